/* Fills the commands and blocks of a runbook's page from one form, and copies only what is whole. */
(() => {
  "use strict";
  /* The theme makes a landmark of each copy button, and tables that scroll but are not reached by keyboard. */
  new MutationObserver(() => {
    for (const one of document.querySelectorAll("nav.md-code__nav:not([role])")) one.setAttribute("role", "none");
    for (const one of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
      if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
    }
  }).observe(document.body, { childList: true, subtree: true });

  const OPEN = /\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}|"<([a-z][^<>"]*)>"/g;
  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };

  const holder = document.getElementById("pb-runbook");
  const runbook = holder ? JSON.parse(holder.textContent) : { parameters: [], forms: {}, known: {} };
  const parameters = new Map(runbook.parameters.map((parameter) => [parameter.name, parameter]));
  const fields = new Map();

  /* ---- values ------------------------------------------------------------------------------------------------ */

  const isDay = (text) => {
    const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
    const day = found && new Date(Date.UTC(+found[1], +found[2] - 1, +found[3]));
    return Boolean(day) && day.toISOString().slice(0, 10) === text;
  };

  /* Why one text is no value of the type, "" when it is one. */
  function problem(type, text, choices) {
    if (choices && choices.length && !choices.map(String).includes(text)) return `is none of ${choices.join(", ")}`;
    if (type === "integer" && !/^[+-]?\d{1,18}$/.test(text)) return "is no whole number";
    if (type === "number" && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return "is no number";
    if (type === "boolean" && !/^(true|false|yes|no)$/i.test(text)) return "is neither true nor false";
    if (type === "date" && !isDay(text)) return "is no day; write it as 2026-01-31";
    if (runbook.forms[type] && !new RegExp(`^(?:${runbook.forms[type]})$`).test(text)) return `is no ${type}`;
    return "";
  }

  const plural = (type) => `${type.replace(/y$/, "ie")}s`;

  function typed(type, text) {
    if (type === "integer" || type === "number") return Number(text);
    if (type === "boolean") return /^(true|yes)$/i.test(text);
    return text;
  }

  /* {value} or {missing} or {wrong}: what the form has for a name. */
  function lookup(name) {
    const field = fields.get(name);
    const parameter = parameters.get(name) || { type: "string", required: true };
    const text = field ? field.value.trim() : "";
    if (!text) return parameter.required ? { missing: name } : { value: parameter.default ?? null };
    const texts = parameter.list ? text.split(/\s*[\n,]\s*/).filter(Boolean) : [text];
    for (const one of texts) {
      const why = problem(parameter.type, one, parameter.choices);
      if (why) return { wrong: `${name}: ${one} ${why}` };
    }
    const values = texts.map((one) => typed(parameter.type, one));
    return { value: parameter.list ? values : values[0] };
  }

  /* ---- blocks ------------------------------------------------------------------------------------------------ */

  const quoted = (text) => (/^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);
  const asText = (value) => (Array.isArray(value) ? value.join(", ") : value === null ? "none" : String(value));
  const asArgument = (value) => [value].flat().filter((one) => one !== null).map((one) => quoted(String(one))).join(" ");

  function options(trouble) {
    const texts = [];
    for (const [name, parameter] of parameters) {
      const found = lookup(name);
      if (found.missing || found.wrong) trouble.push(found.missing ? found.missing : found.wrong);
      if (found.missing) texts.push(`-p ${name}=‹${name}›`);
      if ("value" in found && String(found.value) !== String(parameter.default ?? null)) {
        for (const one of [found.value].flat()) if (one !== null) texts.push(`-p ${quoted(`${name}=${one}`)}`);
      }
    }
    return texts.map((text) => ` ${text}`).join("");
  }

  /* The text of a block as it would be copied, and what is in its way. */
  function filled(block) {
    const trouble = [];
    const ask = (name) => {
      const found = lookup(name);
      if (found.missing || found.wrong) trouble.push(found.missing || found.wrong);
      return found;
    };
    let text = block.text;
    if (block.language === "yaml") {
      const lines = [];
      for (const line of text.split("\n")) {
        const whole = /^(\s*(?:- )?[\w-]+:\s*)"(?:\{\{\s*([\w.-]+)\s*\}\}|<([a-z][^<>"]*)>)"\s*$/.exec(line);
        const found = whole && ask(whole[2] || whole[3]);
        if (!found) lines.push(line);
        else if (!("value" in found)) lines.push(`${whole[1]}‹${whole[2] || whole[3]}›`);
        else if (found.value !== null) lines.push(whole[1] + JSON.stringify(found.value));
      }
      text = lines.join("\n");
    } else {
      if (block.language === "sh" && runbook.path && new RegExp(`^playbook (plan|run) ${runbook.path}`).test(text)) {
        const bare = text.replace(/ -p \S+/g, "");
        text = bare.replace(runbook.path, runbook.path + options(trouble));
      }
      text = text.replace(OPEN, (all, braced, angled) => {
        const name = braced || angled;
        const found = ask(name);
        if (!("value" in found)) return `‹${name}›`;
        return block.language === "sh" ? asArgument(found.value) : asText(found.value);
      });
    }
    return { text, trouble: [...new Set(trouble)] };
  }

  const blocks = [];
  for (const code of document.querySelectorAll("div.highlight pre code")) {
    const frame = code.closest("div.highlight");
    const language = (/language-([\w-]+)/.exec(frame.className) || [])[1] || "";
    const text = code.textContent.replace(/\n$/, "");
    const isCommand = Boolean(runbook.path) && parameters.size > 0 && text.startsWith("playbook ") && text.includes(` ${runbook.path}`);
    if (isCommand || new RegExp(OPEN.source).test(text)) {
      blocks.push({ frame, code, language, text, isCommand, canCopy: frame.classList.contains("pb-open") || isCommand });
    }
  }

  const alone = document.createElement("p");
  alone.className = "pb-said";
  alone.setAttribute("role", "status");

  async function copy(block, button) {
    const { text, trouble } = filled(block);
    const said = button.nextElementSibling;
    if (trouble.length) {
      said.textContent = `Nothing copied. Still missing: ${trouble.join("; ")}`;
      const field = fields.get(trouble[0]);
      if (field) field.focus();
      return;
    }
    try {
      await navigator.clipboard.writeText(`${text}\n`);
    } catch {
      const area = element("textarea", { "aria-hidden": "true" });
      area.value = `${text}\n`;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    said.textContent = "Copied.";
  }

  for (const block of blocks) {
    if (block.isCommand) block.frame.classList.add("no-copy");
    if (!block.canCopy) continue;
    const button = element("button", { type: "button", class: "pb-copy" }, "Copy, filled in");
    button.addEventListener("click", () => copy(block, button));
    block.frame.after(element("div", { class: "pb-copyline" }, button, alone.cloneNode()));
  }

  function render() {
    for (const block of blocks) {
      const { text, trouble } = filled(block);
      if (block.shown === text) continue;
      block.shown = text;
      if (text === block.text) continue;
      block.code.textContent = `${text}\n`;
      block.frame.classList.toggle("pb-lacks", trouble.length > 0);
    }
  }

  /* ---- the form ---------------------------------------------------------------------------------------------- */

  const names = new Set(parameters.keys());
  for (const block of blocks) for (const found of block.text.matchAll(OPEN)) names.add(found[1] || found[2]);
  let form = document.querySelector("form.pb-form");
  if (!form && blocks.length && names.size) {
    form = element("form", { class: "pb-form", "aria-label": "Values of the blocks on this page", hidden: true });
    const first = blocks[0].frame.closest(".pb-block") || blocks[0].frame;
    first.before(form);
  }
  if (!form || !names.size) return;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.append(element("p", { class: "pb-form-title" }, "Fill in here: every command and block of this page follows."));
  const grid = form.appendChild(element("div", { class: "pb-fields" }));
  for (const name of names) {
    const parameter = parameters.get(name) || { type: "string", required: true };
    const id = `pb-${name.replace(/[^\w-]/g, "_")}`;
    const [, step, result] = /^steps\.([\w-]+)\.(.+)$/.exec(name) || [];
    const label = step ? `${result} of step ${step}` : name;
    const kind = `${parameter.list ? `list of ${plural(parameter.type)}, several with commas` : parameter.type}${parameter.required ? "" : ", may be left out"}`;
    let field;
    if (parameter.type === "boolean" || (parameter.choices || []).length) {
      const known = parameter.choices && parameter.choices.length ? parameter.choices : ["true", "false"];
      field = element("select", { id }, element("option", { value: "" }, `default: ${parameter.default ?? "none"}`));
      for (const one of known) field.append(element("option", { value: String(one) }, String(one)));
    } else {
      const list = runbook.known[parameter.type] && `${id}-known`;
      const example = [parameter.example ?? ""].flat().join(", ");
      field = element("input", {
        id, list, type: parameter.type === "date" ? "date" : parameter.secret ? "password" : "text",
        autocomplete: "off", spellcheck: "false", placeholder: example || false, "aria-describedby": `${id}-help`,
      });
      if (list) {
        const data = element("datalist", { id: list });
        for (const one of runbook.known[parameter.type]) data.append(element("option", { value: one }));
        grid.append(data);
      }
    }
    fields.set(name, field);
    const wrong = element("span", { class: "pb-wrong", role: "status" });
    field.addEventListener("input", () => {
      wrong.textContent = lookup(name).wrong || "";
      field.setAttribute("aria-invalid", String(Boolean(wrong.textContent)));
      render();
    });
    const from = step ? "shown by playbook runs show last" : parameter.help || (name === "digest" ? "the last line of the plan" : "");
    const help = element("span", { class: "pb-help", id: `${id}-help` }, `${kind}${from ? `. ${from.replace(/`|\*\*/g, "")}` : ""}`);
    grid.append(element("p", {}, element("label", { for: id }, label), field, help, wrong));
  }
  form.hidden = false;
  render();
})();
