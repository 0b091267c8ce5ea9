/* Which runbook launches a config, and with which parameters. */
(() => {
  "use strict";
  const { get, isMap } = window.PlaybookSchema;
  const quoted = (text) => (/^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

  /* The runbook that launches exactly this config, filled; null when none does. */
  function byRunbook(platform, now, fields) {
    const given = new Map();
    const ops = now.root && get(now.root, "ops");
    for (const [op, body] of ops && isMap(ops) ? ops.pairs : []) {
      const config = get(body, "config");
      for (const [key, node] of config && isMap(config) ? config.pairs : []) {
        const value = node.kind === "list" ? node.items.map((one) => String(one.value)) : node.kind === "scalar" ? node.value : null;
        const field = fields.find((one) => one.op === op.value && one.name === key.value);
        const isStandard = field && JSON.stringify(value) === field.standard;
        if (value !== null && !isStandard && value !== "" && !(Array.isArray(value) && !value.length)) given.set(`${op.value} ${key.value}`, value);
      }
    }
    for (const runbook of platform.runbooks) {
      if (runbook.job !== now.job) continue;
      const rest = new Map(given);
      const options = [];
      let fits = true;
      for (const one of runbook.fields) {
        const key = `${one.op} ${one.name}`;
        if (one.parameter) {
          if (rest.has(key)) for (const value of [rest.get(key)].flat()) options.push(`-p ${quoted(`${one.parameter}=${value}`)}`);
          else if (one.required) fits = false;
        } else if (rest.has(key) ? String(rest.get(key)) !== String(one.value) : !one.is_standard) fits = false;
        rest.delete(key);
      }
      if (fits && !rest.size) return { path: runbook.path, page: runbook.page, asks: runbook.asks, options: options.map((text) => ` ${text}`).join("") };
    }
    return null;
  }

  /* No runbook starts a job that restates by preset; one may launch the same config on a job of its own. */
  function bySameConfig(platform, root, fields) {
    for (const { job } of platform.runbooks) {
      const found = byRunbook(platform, { root, job }, fields);
      if (found) return found;
    }
    return null;
  }

  window.PlaybookCommand = { byRunbook, bySameConfig };
})();
