/* The verdict on a run config, offline: Dagster's by its own schema, and what the values name, by the platform's facts. */
(() => {
  "use strict";
  const { read } = window.PlaybookYaml;
  const { Graph, select } = window.PlaybookSelector;
  const { walk, get, elements, isMap, isString, keyText, shown } = window.PlaybookSchema;

  /* ---- nearness, dates --------------------------------------------------------------------------------------- */

  function distance(a, b, most) {
    if (Math.abs(a.length - b.length) > most) return most + 1;
    let row = Array.from({ length: b.length + 1 }, (_, index) => index);
    for (let i = 1; i <= a.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= b.length; j += 1) {
        next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      }
      row = next;
    }
    return row[b.length];
  }

  function hint(word, known) {
    const most = Math.max(1, Math.floor(word.length / 4));
    let best = null;
    for (const one of word.length > 200 ? [] : known) {
      const far = distance(word.toLowerCase(), one.toLowerCase(), most);
      if (far <= most && (!best || far < best.far)) best = { far, one };
    }
    return best ? `; did you mean ${best.one}?` : "";
  }

  const ISO = /^(\d{4})([-/.]?)(\d{2})\2(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/;
  const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
  const RELATIVE = /^(?:now|today|yesterday|tomorrow|\d+ (?:minute|hour|day|week|month|year)s? ago)$/i;
  const MONTHS = "January February March April May June July August September October November December".split(" ");
  const lastDay = (year, month) => (month === 2 ? (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);

  function dateProblem(text) {
    const found = ISO.exec(text.trim());
    if (!found) return "";
    const [year, month, day] = [+found[1], +found[3], +found[4]];
    if (!found[2] && !(year >= 1900 && year <= 2199 && month >= 1 && month <= 12)) return "";
    if (month < 1 || month > 12) return `there is no month ${month}`;
    const last = lastDay(Math.max(year, 1), month);
    if (day < 1 || day > last) return `${MONTHS[month - 1]} ${year} has ${last} days`;
    const [hour, minute, second] = [+(found[5] || 0), +(found[6] || 0), +(found[7] || 0)];
    if (hour > 24 || (hour === 24 && (minute || second)) || minute > 59 || second > 59) return "there is no such time";
    return "";
  }

  function moment(text, isEnd) {
    const found = ISO.exec(text.trim());
    if (!found || !found[2] || dateProblem(text)) return null;
    const date = new Date(0);
    date.setUTCFullYear(+found[1], +found[3] - 1, +found[4]);
    let time = date.getTime();
    if (found[5] === undefined) return isEnd ? time + 86400000 - 0.001 : time;
    time += (+found[5] * 3600 + +found[6] * 60 + +(found[7] || 0)) * 1000;
    const zone = (found[8] || "").replace(":", "");
    if (/^[+-]\d{4}$/.test(zone)) time += (zone[0] === "+" ? -1 : 1) * (+zone.slice(1, 3) * 60 + +zone.slice(3)) * 60000;
    return time;
  }

  const DAYS = { now: 0, today: 0, yesterday: -1, tomorrow: 1 };
  const UNITS = { minute: 1 / 1440, hour: 1 / 24, day: 1, week: 7, month: 28, year: 365 };
  const MOST = { month: 31, year: 366 };
  function daysAgo(text, isFewest) {
    const words = text.trim().toLowerCase();
    if (Object.hasOwn(DAYS, words)) return DAYS[words];
    const found = /^(\d+) (minute|hour|day|week|month|year)s? ago$/.exec(words);
    return found ? -found[1] * (isFewest ? UNITS[found[2]] : MOST[found[2]] ?? UNITS[found[2]]) : null;
  }

  function windowProblem(start, end) {
    const [first, last] = [moment(start, false), moment(end, true)];
    if (first !== null && last !== null) return first > last ? `the window ends before it begins: ${start} to ${end}` : "";
    const [earliest, latest] = [daysAgo(start, false), daysAgo(end, true)];
    return earliest !== null && latest !== null && earliest > latest ? `the window ends before it begins: ${start} to ${end}` : "";
  }

  /* ---- the rules --------------------------------------------------------------------------------------------- */

  const PLACEHOLDER = /^(?:<[^<>]+>|\.\.\.|…|\{\{.*\}\}|\$\{?\w+\}?|__blank_*)$/;
  const isPlaceholder = (node) => isString(node) && PLACEHOLDER.test(node.value.trim());
  function* blanks(node) {
    if (isPlaceholder(node)) yield node;
    for (const item of isMap(node) ? node.pairs.flat() : elements(node)) yield* blanks(item);
  }
  const isText = (node) => isString(node) && node.value !== "" && !isPlaceholder(node);
  const HASH = /^(?:[0-9a-f]{2}){8,32}$/;
  const PLAIN = /^[\w"]+(?:\.[\w"]+){0,2}$/;

  class Checker {
    constructor(platform) {
      this.platform = platform;
      this.graph = new Graph(platform);
      this.index = new Map();
      for (const model of platform.models) {
        const parts = model.fqn.replaceAll('"', "").toLowerCase().split(".");
        for (let start = 0; start <= parts.length - Math.min(2, parts.length); start += 1) this.index.set(parts.slice(start).join("."), model);
        this.index.set(model.name.toLowerCase(), model);
      }
      this.tags = [...new Set(platform.models.flatMap((model) => model.tags))];
    }

    /* {findings, unknown, root, job}: `unknown` says what only the real tools can judge. */
    check(text, jobName) {
      const { root, wrong, unknown } = read(text);
      const found = { findings: [], unknown: [], blanks: [], root, job: null };
      const find = (code, line, message) => found.findings.push({ code, line, message });
      if (unknown) found.unknown.push(`line ${unknown.line}: ${unknown.message}`);
      if (wrong) find(wrong.isDuplicate ? "PB014" : "PB013", wrong.line, wrong.message);
      if (wrong || (!root && !jobName)) return found;
      // Dagster takes no config for an empty one
      const tree = root || { kind: "map", pairs: [], line: 1 };
      const job = jobName ? this.platform.jobs[jobName] : this.jobOf(tree);
      if (!job) {
        find("DG104", 1, `no job is called ${jobName}${hint(jobName || "", Object.keys(this.platform.jobs))}`);
        return found;
      }
      found.job = job.name;
      for (const blank of blanks(tree)) found.blanks.push(`line ${blank.line}: ${blank.value}`);
      for (const error of walk(this.platform.types, tree, job.type)) {
        if (!(error.reason === "type" && isPlaceholder(error.node))) find(...this.schemaFinding(error, job));
      }
      const ops = get(tree, "ops");
      for (const [op, body] of ops && isMap(ops) ? ops.pairs : []) {
        const config = get(body, "config");
        if (!config || !isMap(config) || !isString(op)) continue;
        const restatement = this.platform.restatements.find((one) => one.op === op.value);
        if (restatement) this.restated(restatement, config, find, found.unknown);
        const move = this.platform.moves.find((one) => one.op === op.value);
        const target = move && get(config, move.hash);
        if (target && isText(target) && !HASH.test(target.value)) {
          find("DG109", target.line, `${target.value} is not a Nessie hash: 16 to 64 hexadecimal digits, or empty for the head of main`);
        }
      }
      return found;
    }

    jobOf(root) {
      const ops = get(root, "ops");
      const wanted = ops && isMap(ops) ? ops.pairs.map(([key]) => keyText(key)) : [];
      const known = (job) => wanted.filter((op) => job.ops.includes(op)).length;
      return Object.values(this.platform.jobs).sort((a, b) =>
        known(b) - known(a) || a.name.startsWith("__") - b.name.startsWith("__") || (a.name < b.name ? -1 : 1))[0];
    }

    schemaFinding({ reason, node, path, expected }, job) {
      const name = path.at(-1) || "run config";
      const parent = path.slice(0, -1).join(".") || "the run config";
      if (reason === "unknown") {
        if (path.length === 2 && path[0] === "ops") {
          const home = Object.values(this.platform.jobs).find((one) => one.ops.includes(name) && !one.name.startsWith("__"));
          if (home) return ["DG111", node.line, `job ${job.name} does not run op ${name}; job ${home.name} does`];
          return ["DG105", node.line, `no op is called ${name}${hint(name, Object.values(this.platform.jobs).flatMap((one) => one.ops))}`];
        }
        return ["DG101", node.line, `${parent} has no key ${name}${hint(name, expected)}`];
      }
      if (reason === "missing") return ["DG102", node.line, `${parent} lacks the required key ${name}`];
      if (reason === "selector") return ["DG103", node.line, `${path.join(".")} takes exactly one of ${expected.join(", ")}`];
      const kind = reason === "choice" ? "one of " : "";
      return ["DG103", node.line, `${path.join(".") || "the run config"} has to be ${kind}${expected.join(", ")}, not ${shown(node)}`];
    }

    restated(meaning, config, find, unknown) {
      this.categories(meaning, config, find);
      for (const entry of elements(get(config, meaning.models))) {
        if (isString(entry) && !isPlaceholder(entry)) this.entry(entry, find, unknown);
      }
      const dates = [meaning.start, meaning.end].filter(Boolean).map((name) => [name, get(config, name)]).filter(([, node]) => node && isText(node));
      for (const [name, node] of dates) {
        const problem = dateProblem(node.value);
        if (problem) find("DG110", node.line, `${name} is ${node.value}, but ${problem}`);
        else if (!DATE.test(node.value) && !RELATIVE.test(node.value)) find("DG110", node.line, `${name} is ${node.value}, which is no date; write 2024-01-31 or 2 days ago`);
      }
      if (dates.length === 2) {
        const problem = windowProblem(dates[0][1].value, dates[1][1].value);
        if (problem) find("DG113", dates[1][1].line, problem);
      }
    }

    categories(meaning, config, find) {
      const [flag, listed] = [get(config, meaning.by_category), get(config, meaning.categories)];
      const entries = elements(listed);
      const before = `${meaning.category_tag}=`;
      const known = this.tags.filter((tag) => meaning.category_tag && tag.startsWith(before)).map((tag) => tag.slice(before.length));
      const isOn = Boolean(flag) && flag.kind === "scalar" && flag.type === "bool" && flag.value === true;
      if (listed && isPlaceholder(listed)) return;
      if (entries.length && !isOn) {
        find("DG106", (flag || entries[0]).line, `categories are listed but ${meaning.by_category} is not true: nothing would be restated by them`);
      }
      if (isOn && !entries.length) {
        const all = meaning.default_categories.length ? meaning.default_categories : known.sort();
        find("DG107", flag.line, `no category is listed, so the op restates ${all.join(", ")}`);
      }
      for (const entry of entries) {
        const name = keyText(entry);
        if (!known.includes(name) && !isPlaceholder(entry)) find("DG108", entry.line, `no model carries the tag ${before}${name}${hint(name, known)}`);
      }
    }

    entry(node, find, unknown) {
      const entry = node.value;
      const names = this.platform.models.map((model) => model.name);
      if (PLAIN.test(entry)) {
        if (this.index.has(entry.replaceAll('"', "").toLowerCase())) return;
        const full = `${this.platform.schema}.${entry}`;
        if (!entry.includes(".") && this.platform.schema && this.index.has(full.toLowerCase())) {
          find("SM205", node.line, `model ${entry} is not found without its schema; write ${full}`);
        } else find("SM201", node.line, `no model is called ${entry}${hint(entry, names)}`);
        return;
      }
      const answer = select(entry, this.graph);
      if (answer.unknown) unknown.push(`line ${node.line}: SQLMesh has to be asked about ${entry}: ${answer.unknown}`);
      else if (answer.error) find("SM203", node.line, `SQLMesh cannot parse the selector ${entry}: ${answer.error}`);
      else if (!answer.models.size) {
        const tag = /^\+?tag:([^*+]+)\+?$/.exec(entry);
        if (tag) find("SM204", node.line, `no model carries the tag ${tag[1]}${hint(tag[1], this.tags)}`);
        else find("SM202", node.line, `the selector ${entry} matches no model${hint(entry.replace(/[*+&|^()]|\btag:|\bgit:/g, ""), names)}`);
      }
    }

    /* What a job runs with when its config names no op, as a document; null when it has nothing preset. */
    preset(jobName) {
      const type = this.platform.types[this.platform.jobs[jobName].type];
      const ops = type?.fields.find((field) => field.name === "ops")?.default;
      return ops ? read(`ops: ${ops}`).root : null;
    }

    /* What a config restates: each model with why, in the order of the flow of data. */
    touched(root) {
      const reasons = new Map();
      const ops = root && get(root, "ops");
      for (const meaning of this.platform.restatements) {
        const config = ops && get(ops, meaning.op, "config");
        if (!config || !isMap(config)) continue;
        const entries = elements(get(config, meaning.models)).filter(isString).map((node) => node.value);
        const flag = get(config, meaning.by_category);
        if (flag && flag.value === true) {
          const listed = elements(get(config, meaning.categories)).map((node) => String(node.value));
          for (const one of listed.length ? listed : meaning.default_categories) entries.push(`tag:${meaning.category_tag}=${one}`);
        }
        for (const entry of entries) {
          const plain = PLAIN.test(entry) && this.index.get(entry.replaceAll('"', "").toLowerCase());
          const answer = plain ? { models: new Set([plain.fqn]) } : select(entry, this.graph);
          for (const fqn of answer.models || []) if (!reasons.has(fqn)) reasons.set(fqn, `selected by ${entry}`);
        }
      }
      for (const fqn of this.graph.downstream(reasons.keys())) {
        if (reasons.has(fqn)) continue;
        const parent = this.graph.models.get(fqn)?.depends_on.find((one) => this.graph.models.has(one) && (reasons.has(one)));
        reasons.set(fqn, parent ? `reads ${this.graph.models.get(parent).name}` : "downstream of these");
      }
      return this.platform.models.filter((model) => reasons.has(model.fqn)).map((model) => ({ ...model, why: reasons.get(model.fqn) }));
    }
  }

  window.PlaybookCheck = { Checker };
})();
