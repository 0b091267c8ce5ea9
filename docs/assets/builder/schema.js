/* Dagster's verdict by its own config schema, and how the nodes of a document are asked. */
(() => {
  "use strict";
  const isMap = (node) => node.kind === "map";
  const isList = (node) => node.kind === "list";
  const isNull = (node) => node.kind === "scalar" && node.type === "null";
  const isString = (node) => node.kind === "scalar" && node.type === "str";
  const keyText = (key) => (key.kind !== "scalar" ? "[a mapping or list]" : key.type === "bool" ? (key.value ? "True" : "False") : String(key.value));
  const get = (node, ...path) => {
    let found = node;
    for (const name of path) {
      const pair = found && isMap(found) ? found.pairs.find(([key]) => isString(key) && key.value === name) : null;
      found = pair ? pair[1] : null;
    }
    return found;
  };
  const elements = (node) => (node && isList(node) ? node.items : []);
  const shown = (node) => (isMap(node) ? "a mapping" : isList(node) ? "a list" : node.quoted ? node.value : node.text || "nothing");

  function* walk(types, node, key, path = []) {
    const type = types[key];
    if (!type || type.kind === "ANY" || !node) return;
    const error = (reason, at, where, expected) => ({ reason, node: at, path: where, expected });
    if (type.kind === "NONEABLE") {
      if (!isNull(node)) yield* walk(types, node, type.inner[0], path);
    } else if (isNull(node)) yield error("type", node, path, [spoken(types, type)]);
    else if (type.kind === "SCALAR_UNION") yield* walk(types, node, type.inner[isMap(node) || isList(node) ? 1 : 0], path);
    else if (type.kind === "SCALAR") {
      if (!isScalar(node, type.scalar)) yield error("type", node, path, [spoken(types, type)]);
    } else if (type.kind === "ENUM") {
      if (!isString(node) || !type.enum.includes(node.value)) yield error("choice", node, path, type.enum);
    } else if (type.kind === "ARRAY") {
      if (!isList(node)) yield error("type", node, path, ["a list"]);
      else for (const [index, item] of node.items.entries()) yield* walk(types, item, type.inner[0], [...path, String(index)]);
    } else if (type.kind === "MAP") {
      if (!isMap(node)) yield error("type", node, path, ["a mapping"]);
      else {
        for (const [name, value] of node.pairs) {
          yield* walk(types, name, type.inner[0], [...path, keyText(name)]);
          yield* walk(types, value, type.inner[1], [...path, keyText(name)]);
        }
      }
    } else if (type.kind === "SELECTOR") yield* selector(types, node, type, path, error);
    else yield* shape(types, node, type, path, error);
  }

  function* selector(types, node, type, path, error) {
    const names = type.fields.map((field) => field.name);
    if (!isMap(node)) yield error("type", node, path, [`a mapping with one of ${names.join(", ")}`]);
    else if (!node.pairs.length) {
      if (names.length > 1 || type.fields[0].is_required) yield error("selector", node, path, names);
    } else if (new Set(node.pairs.map(([key]) => keyText(key))).size > 1) yield error("selector", node.pairs[1][0], path, names);
    else {
      const [key, value] = node.pairs.at(-1);
      const field = isString(key) && type.fields.find((one) => one.name === key.value);
      if (!field) yield error("unknown", key, [...path, keyText(key)], names);
      else {
        const inner = types[field.type_key];
        const hasFields = inner && ["SELECTOR", "STRICT_SHAPE", "PERMISSIVE_SHAPE"].includes(inner.kind);
        const meant = isNull(value) && hasFields ? { kind: "map", pairs: [], line: key.line } : value;
        yield* walk(types, meant, field.type_key, [...path, field.name]);
      }
    }
  }

  function* shape(types, node, type, path, error) {
    if (!isMap(node)) {
      yield error("type", node, path, ["a mapping"]);
      return;
    }
    const fields = new Map(type.fields.map((field) => [field.name, field]));
    for (const [name, alias] of Object.entries(type.aliases || {})) if (fields.has(name)) fields.set(alias, fields.get(name));
    const last = new Map(node.pairs.map(([key, value]) => [`${key.type || key.kind} ${keyText(key)}`, [key, value]]));
    const present = new Set();
    for (const [key, value] of last.values()) {
      if (isString(key)) present.add(key.value);
      const field = isString(key) && fields.get(key.value);
      if (field) yield* walk(types, value, field.type_key, [...path, key.value]);
      else if (type.kind === "STRICT_SHAPE") yield error("unknown", key, [...path, keyText(key)], [...fields.keys()]);
    }
    for (const field of type.fields) {
      const alias = (type.aliases || {})[field.name];
      if (field.is_required && !present.has(field.name) && !present.has(alias)) yield error("missing", node, [...path, field.name], [field.name]);
    }
  }

  function isScalar(node, scalar) {
    if (node.kind !== "scalar") return false;
    const types = { INT: ["int"], STRING: ["str"], BOOL: ["bool"], FLOAT: ["int", "float", "bool"] }[scalar];
    return !types || types.includes(node.type);
  }

  function spoken(types, type) {
    if (type.kind === "SCALAR") return { INT: "an integer", STRING: "a string", BOOL: "true or false", FLOAT: "a number" }[type.scalar] || "a scalar";
    if (type.kind === "ARRAY") return "a list";
    if (type.kind === "ENUM") return `one of ${type.enum.join(", ")}`;
    if (type.kind === "SCALAR_UNION") return `${spoken(types, types[type.inner[0]])} or {env: VARIABLE}`;
    return "a mapping";
  }

  window.PlaybookSchema = { walk, get, elements, isMap, isList, isNull, isString, keyText, shown };
})();
