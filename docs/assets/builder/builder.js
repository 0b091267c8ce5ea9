/* The launchpad builder: a form made from the config schema, its YAML, the command, what it touches and what is wrong. */
(() => {
  "use strict";
  const platform = window.PLAYBOOK;
  const place = document.getElementById("pb-builder");
  if (!platform || !place) return;
  const { Checker } = window.PlaybookCheck;
  const { get, elements, isMap } = window.PlaybookSchema;
  const { byRunbook, bySameConfig } = window.PlaybookCommand;
  const checker = new Checker(platform);
  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const section = (title, ...children) => element("section", { "aria-label": title }, element("h2", {}, title), ...children);

  /* ---- the fields of an op ----------------------------------------------------------------------------------- */

  const bare = (key) => {
    const type = platform.types[key];
    if (!type) return "any";
    if (type.kind === "NONEABLE" || type.kind === "SCALAR_UNION") return bare(type.inner[0]);
    if (type.kind === "ARRAY") return "list";
    return type.kind === "SCALAR" ? type.scalar.toLowerCase() : "any";
  };

  /* The fields that say what is restated come first, in the order in which one thinks of them. */
  function rank(field) {
    const meaning = platform.restatements.find((one) => one.op === field.op);
    const order = meaning ? [meaning.models, meaning.by_category, meaning.categories, meaning.start, meaning.end] : [];
    return order.includes(field.name) ? order.indexOf(field.name) : order.length;
  }

  function fieldsOf(job) {
    return job.ops.flatMap((op) => {
      const type = platform.types[platform.ops[op]];
      return (type?.fields || []).map((field) => ({
        op, name: field.name, kind: bare(field.type_key), description: field.description.replaceAll("`", ""), standard: field.default,
      })).filter((field) => field.kind !== "any");
    }).sort((a, b) => rank(a) - rank(b));
  }

  function known(field) {
    const meaning = platform.restatements.find((one) => one.op === field.op);
    if (!meaning) return [];
    if (field.name === meaning.categories) {
      const before = `${meaning.category_tag}=`;
      return checker.tags.filter((tag) => tag.startsWith(before)).map((tag) => tag.slice(before.length)).sort();
    }
    if (field.name === meaning.models || /models$/.test(field.name)) {
      return [...platform.models.filter((one) => one.kind !== "EXTERNAL").map((one) => one.name), ...checker.tags.map((tag) => `tag:${tag}`)];
    }
    return [];
  }

  const isDay = (field) => platform.restatements.some((one) => one.op === field.op && [one.start, one.end].includes(field.name));

  /* ---- the page ---------------------------------------------------------------------------------------------- */

  const jobs = Object.values(platform.jobs).filter((job) => !job.name.startsWith("__") && fieldsOf(job).length);
  jobs.sort((a, b) => (b.name === platform.first) - (a.name === platform.first) || (a.name < b.name ? -1 : 1));
  const jobField = element("select", { id: "pb-job" }, ...jobs.map((job) => element("option", { value: job.name }, job.name)));
  const about = element("p", { class: "pb-help" });
  const grid = element("div", { class: "pb-fields" });
  const yaml = element("textarea", { id: "pb-yaml", rows: 14, spellcheck: "false", autocomplete: "off", "aria-describedby": "pb-yaml-help" });
  const verdict = element("p", { class: "pb-verdict", role: "status" });
  const problems = element("ul", { class: "pb-problems" });
  const command = element("code");
  const commandNote = element("p", { class: "pb-help" });
  const touched = element("div", { class: "pb-touched", tabindex: "0", role: "region", "aria-label": "Models that this touches" });
  const said = element("span", { class: "pb-said", role: "status" });
  const button = (label, text) => {
    const made = element("button", { type: "button", class: "pb-copy" }, label);
    made.addEventListener("click", async () => {
      const given = text();
      if (!given) {
        said.textContent = "Nothing copied: mend what is wrong first.";
        return;
      }
      try {
        await navigator.clipboard.writeText(given);
        said.textContent = `Copied: ${label.replace("Copy ", "")}.`;
      } catch {
        said.textContent = "The browser does not let this page copy; select the text instead.";
      }
    });
    return made;
  };
  let now = { findings: [], unknown: [], blanks: [] };
  const isSound = () => !now.findings.length && !now.unknown.length && !now.blanks.length;
  place.replaceChildren(
    element("form", { class: "pb-builder pb-form", "aria-label": "Launchpad builder" },
      element("p", {}, element("label", { for: "pb-job" }, "Job"), jobField, about), grid),
    section("Run config",
      element("p", { id: "pb-yaml-help" }, "Made by the form, and checked as you type. Paste one here to check it."),
      element("div", { class: "pb-builder" }, element("label", { for: "pb-yaml", class: "pb-hidden" }, "Run config in YAML"), yaml),
      verdict, problems),
    section("Command", element("pre", { tabindex: "0", "aria-label": "Command" }, command), commandNote,
      element("p", { class: "pb-copyline" }, button("Copy command", () => (isSound() ? command.textContent : "")),
        button("Copy YAML", () => (isSound() ? yaml.value : "")), button("Copy link", () => location.href), said)),
    section("What it touches", touched),
  );
  place.querySelector("form").addEventListener("submit", (event) => event.preventDefault());

  /* ---- form to YAML and back --------------------------------------------------------------------------------- */

  let fields = [];
  const values = new Map();
  const keyOf = (field) => `${field.op} ${field.name}`;

  function makeFields() {
    const job = platform.jobs[jobField.value];
    about.textContent = job.description;
    fields = fieldsOf(job);
    grid.replaceChildren();
    for (const field of fields) {
      const id = `pb-field-${field.op}-${field.name}`;
      const help = element("span", { class: "pb-help", id: `${id}-help` }, field.description);
      const label = element("label", { for: id }, field.name);
      let input;
      if (field.kind === "bool") {
        input = element("select", { id, "aria-describedby": `${id}-help` }, ...["", "true", "false"].map((one) => element("option", { value: one }, one || `default: ${field.standard || "none"}`)));
      } else {
        input = element("input", { id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-help`, placeholder: isDay(field) ? "2026-01-31" : false });
      }
      const row = element("p", {}, label, input, help);
      if (field.kind === "list") row.append(completion(field, input, id));
      input.value = values.get(keyOf(field)) ?? "";
      input.addEventListener("input", () => {
        values.set(keyOf(field), input.value);
        yaml.value = written();
        judge();
      });
      grid.append(row);
    }
  }

  /* Below a list: what may be added to it, completed as one types. */
  function completion(field, input, id) {
    const names = known(field);
    input.placeholder = names.length ? "several with commas" : "";
    if (!names.length) return "";
    const list = element("datalist", { id: `${id}-known` }, ...names.map((name) => element("option", { value: name })));
    const adder = element("input", { id: `${id}-add`, list: `${id}-known`, "aria-label": `Add to ${field.name}`, placeholder: "add: type a part of a name", autocomplete: "off" });
    const add = () => {
      const name = adder.value.trim();
      if (!names.includes(name)) return;
      const have = split(input.value);
      input.value = [...new Set([...have, name])].join(", ");
      adder.value = "";
      input.dispatchEvent(new Event("input"));
    };
    adder.addEventListener("input", add);
    adder.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    return element("span", {}, adder, list);
  }

  const split = (text) => text.split(/\s*[,\n]\s*/).map((one) => one.trim()).filter(Boolean);
  const SAFE = /^[A-Za-z_][\w./*+-]*$/;
  const RESERVED = /^(?:y|n|yes|no|true|false|on|off|null|~)$/i;
  const scalar = (text) => (SAFE.test(text) && !RESERVED.test(text) ? text : JSON.stringify(text));

  function written() {
    const byOp = new Map();
    for (const field of fields) {
      const text = (values.get(keyOf(field)) || "").trim();
      if (!text) continue;
      const lines = byOp.get(field.op) || byOp.set(field.op, []).get(field.op);
      if (field.kind === "list") lines.push(`      ${field.name}:`, ...split(text).map((one) => `        - ${scalar(one)}`));
      else lines.push(`      ${field.name}: ${field.kind === "string" ? JSON.stringify(text) : text}`);
    }
    if (!byOp.size) return "";
    return ["ops:", ...[...byOp].flatMap(([op, lines]) => [`  ${op}:`, "    config:", ...lines])].join("\n") + "\n";
  }

  function readBack() {
    for (const field of fields) {
      const node = now.root && get(now.root, "ops", field.op, "config", field.name);
      const isPlain = node && node.kind === "scalar" && node.type !== "null";
      const items = elements(node).filter((one) => one.kind === "scalar");
      values.set(keyOf(field), items.length ? items.map((one) => String(one.value)).join(", ") : isPlain ? String(node.value) : "");
      document.getElementById(`pb-field-${field.op}-${field.name}`).value = values.get(keyOf(field));
    }
  }

  /* ---- the verdict ------------------------------------------------------------------------------------------- */

  function showCommand(models) {
    const runbook = now.isPreset ? bySameConfig(platform, now.preset, fields) : byRunbook(platform, now, fields);
    if (!isSound()) {
      command.textContent = "";
      commandNote.textContent = now.findings.length || now.blanks.length ? "No command yet: mend what is wrong above." : "No command yet: this has to be judged by the real tools first.";
    } else if (runbook) {
      const verb = runbook.asks || runbook.options ? "plan" : "run";
      command.textContent = `playbook ${verb} ${runbook.path}${runbook.options}\n`;
      commandNote.replaceChildren(
        verb === "plan" ? "This changes nothing. The same line with run in the place of plan runs it" : "This runs it",
        runbook.asks ? ", once somebody else has approved the plan. In the launchpad this config is refused. " : ". ",
        element("a", { href: `${platform.up}${runbook.page}` }, "The page of the runbook"), ".");
    } else if (models.length) {
      command.textContent = "";
      commandNote.textContent = `No runbook launches exactly this, and without an approval the op refuses it.${now.isPreset ? "" : " Leave out what the runbooks do not set."}`;
    } else {
      command.textContent = `dagster job launch -m ${platform.module} -d ${platform.folder} -j ${now.job}${now.root ? " -c config.yaml" : ""}\n`;
      commandNote.textContent = now.root ? "With the YAML above in config.yaml." : "";
    }
  }

  function showNoEmptyCommand() {
    command.parentElement.hidden = !command.textContent;
  }

  function showTouched(models) {
    if (!models.length) {
      touched.replaceChildren(element("p", {}, "Nothing is restated."));
      return;
    }
    const full = (kind) => (kind === "FULL" || kind === "VIEW" ? "its whole history" : kind === "SEED" ? "nothing: a seed is passed over" : /^SCD/.test(kind) ? "nothing, unless the model allows it" : /UNIQUE_KEY/.test(kind) ? "its whole history" : "the window, in whole intervals");
    const marts = models.filter((one) => one.is_consumed).length;
    touched.replaceChildren(
      element("p", {}, `${models.length} models, ${marts} of them read by consumers. From the graph of the models; playbook plan asks SQLMesh for windows and state.`),
      element("table", {}, element("thead", {}, element("tr", {}, ...["Model", "Kind", "Why", "Computes again"].map((one) => element("th", { scope: "col" }, one)))),
        element("tbody", {}, ...models.map((one) => element("tr", { class: one.is_consumed ? "pb-mart" : false },
          element("td", {}, element("a", { href: `${platform.up}platform/models/${one.name}.html` }, one.name), one.is_consumed ? " (consumers)" : ""),
          element("td", {}, one.kind), element("td", {}, one.why), element("td", {}, full(one.kind)))))));
  }

  function judge() {
    now = checker.check(yaml.value, jobField.value);
    now.job ??= jobField.value;
    const hasOps = Boolean(now.root && get(now.root, "ops"));
    now.preset = hasOps ? null : checker.preset(jobField.value);
    const models = checker.touched(now.preset || now.root);
    now.isPreset = !hasOps && models.length > 0;
    problems.replaceChildren(
      ...now.findings.map((one) => element("li", { class: "pb-problem" }, element("a", { title: platform.rules[one.code], href: `${platform.up}reference/rules.html#${one.code.toLowerCase()}-${platform.rules[one.code]}` }, one.code), ` line ${one.line}: ${one.message}`)),
      ...now.blanks.map((one) => element("li", {}, `A blank to fill in: ${one}`)),
      ...now.unknown.map((one) => element("li", {}, `To be asked: ${one}. \`playbook check\` on a file with this YAML does.`)));
    const count = now.findings.length;
    verdict.className = `pb-verdict ${count ? "pb-failing" : isSound() && !now.isPreset ? "pb-held" : "pb-unchecked"}`;
    verdict.textContent = count ? `${count} mistake${count > 1 ? "s" : ""}: Dagster or this platform refuses it.`
      : now.blanks.length ? "Not whole: a blank has to be filled in."
      : now.unknown.length ? "Not judged: some of it only the real tools can read."
      : now.isPreset ? "Without config the job restates what it has preset; without an approval the op refuses that."
      : yaml.value.trim() ? "Valid: Dagster takes it, and each name in it exists."
      : "Valid: no config at all means every default.";
    showCommand(models);
    showNoEmptyCommand();
    showTouched(models);
    yaml.setAttribute("aria-invalid", String(count > 0));
    history.replaceState(null, "", `#job=${encodeURIComponent(jobField.value)}&yaml=${encodeURIComponent(yaml.value)}`);
  }

  jobField.addEventListener("change", () => {
    makeFields();
    yaml.value = written();
    judge();
  });
  /* A config that was pasted tells which job it is for, unless the chosen one runs an op of it. */
  function follow() {
    const { root, job } = checker.check(yaml.value, "");
    const ops = root && get(root, "ops");
    const named = ops && isMap(ops) ? ops.pairs.map(([key]) => key.value) : [];
    const runs = (name) => platform.jobs[name].ops.some((op) => named.includes(op));
    if (!job || runs(jobField.value) || !runs(job) || !jobs.some((one) => one.name === job)) return;
    jobField.value = job;
    makeFields();
  }

  yaml.addEventListener("input", () => {
    follow();
    judge();
    readBack();
  });

  function load() {
    const state = new URLSearchParams(location.hash.slice(1));
    const text = state.get("yaml") || "";
    const guessed = text && checker.check(text, "").job;
    const asked = state.get("job") || guessed;
    if (asked && jobs.some((job) => job.name === asked)) jobField.value = asked;
    makeFields();
    yaml.value = text;
    judge();
    readBack();
  }
  window.addEventListener("hashchange", load);
  load();
})();
