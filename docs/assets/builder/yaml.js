/* Reads the YAML that run config is written in, as Dagster does: YAML 1.1 without dates.
 *
 * A node is {kind: "map", pairs}, {kind: "list", items} or {kind: "scalar", type, value, text}, each with its line.
 * What this reader does not know (anchors, tags, texts of several lines) it says, so that nobody takes it for right.
 */
(() => {
  "use strict";
  class Wrong extends Error {
    constructor(message, line, isDuplicate = false) {
      super(message);
      this.line = line;
      this.isDuplicate = isDuplicate;
    }
  }
  class Unknown extends Error {
    constructor(message, line) {
      super(message);
      this.line = line;
    }
  }

  const BOOL = /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
  const NULL = /^(?:~|null|Null|NULL|)$/;
  const INT = /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
  const FLOAT = new RegExp(
    "^(?:[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?" +
      "|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$",
  );

  function plain(text, line) {
    if (text === "=" || text === "<<") throw new Unknown(`${text} has a meaning of its own in YAML`, line);
    const scalar = (type, value) => ({ kind: "scalar", type, value, text, line });
    if (NULL.test(text)) return scalar("null", null);
    if (BOOL.test(text)) return scalar("bool", /^(?:y|t|on)/i.test(text));
    if (INT.test(text)) {
      if (/_$|^[-+]?0[bx]_*$/.test(text)) throw new Unknown(`the number ${text}`, line);
      return scalar("int", text);
    }
    if (FLOAT.test(text)) return scalar("float", text);
    return scalar("str", text);
  }

  const ESCAPES = { n: "\n", t: "\t", r: "\r", 0: "\0", "\\": "\\", '"': '"', "/": "/", " ": " ", a: "\x07", b: "\b", e: "\x1b", f: "\f", v: "\v" };

  /* A scanner over one value: flow style, quotes and plain texts, on one line or on the lines of one bracket. */
  class Flow {
    constructor(text, line) {
      this.text = text;
      this.at = 0;
      this.line = line;
    }
    here() {
      return this.text[this.at];
    }
    blank() {
      while (this.at < this.text.length && /\s/.test(this.here())) {
        if (this.here() === "\n") this.line += 1;
        this.at += 1;
      }
      if (this.here() === "#" && (this.at === 0 || /\s/.test(this.text[this.at - 1]))) {
        while (this.at < this.text.length && this.here() !== "\n") this.at += 1;
        this.blank();
      }
    }
    value(inFlow) {
      this.blank();
      const line = this.line;
      const first = this.here();
      if (first === undefined) return plain("", line);
      if (first === "[") return this.list(line);
      if (first === "{") return this.map(line);
      if (first === '"' || first === "'") return { kind: "scalar", type: "str", value: this.quoted(first), text: "", quoted: true, line };
      if (/[&*!|>]/.test(first)) throw new Unknown(`${first} at the start of a value`, line);
      if (/[@`%]/.test(first)) throw new Wrong(`found character '${first}' that cannot start any token`, line);
      if (/[-?:]/.test(first) && /^(?:\s|$)/.test(this.text.slice(this.at + 1, this.at + 2))) {
        throw new Wrong(`'${first}' does not stand here`, line);
      }
      if (/[\],}]/.test(first)) {
        if (inFlow) return plain("", line);
        throw new Wrong(`found ${first} where a value is wanted`, line);
      }
      return this.word(inFlow, line);
    }
    word(inFlow, line) {
      const start = this.at;
      while (this.at < this.text.length) {
        const [one, next] = [this.here(), this.text[this.at + 1]];
        if (one === "\n") {
          if (inFlow && /^\s*[,\]}]/.test(this.text.slice(this.at))) break;
          throw new Unknown("a text of several lines", line);
        }
        if (one === "#" && /\s/.test(this.text[this.at - 1])) break;
        if (one === ":" && (next === undefined || /\s/.test(next) || (inFlow && /[,[\]{}]/.test(next)))) break;
        if (inFlow && /[,[\]{}]/.test(one)) break;
        this.at += 1;
      }
      const text = this.text.slice(start, this.at).trimEnd();
      if (!inFlow && this.here() === ":") throw new Wrong("mapping values are not allowed here", line);
      return plain(text, line);
    }
    quoted(mark) {
      let made = "";
      const line = this.line;
      this.at += 1;
      for (; this.at < this.text.length; this.at += 1) {
        const one = this.here();
        if (one === "\n") throw new Unknown("a quoted text of several lines", line);
        if (one === mark) {
          if (mark === "'" && this.text[this.at + 1] === "'") this.at += 1;
          else {
            this.at += 1;
            return made;
          }
        }
        if (mark === '"' && one === "\\") {
          this.at += 1;
          const escape = this.here();
          if (/[xuU]/.test(escape || "")) {
            const size = { x: 2, u: 4, U: 8 }[escape];
            const digits = this.text.slice(this.at + 1, this.at + 1 + size);
            if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length !== size || parseInt(digits, 16) > 0x10ffff) {
              throw new Wrong("an escape without its digits", line);
            }
            made += String.fromCodePoint(parseInt(digits, 16));
            this.at += size;
          } else if (escape in ESCAPES) made += ESCAPES[escape];
          else if (/[N_LP]/.test(escape || "")) throw new Unknown(`the escape \\${escape}`, line);
          else throw new Wrong(`found unknown escape character '${escape ?? ""}'`, line);
        } else made += one;
      }
      throw new Wrong(`a quote ${mark} is not closed`, line);
    }
    list(line) {
      const items = [];
      this.at += 1;
      for (;;) {
        this.blank();
        if (this.here() === "]") break;
        if (this.here() === ",") throw new Wrong("a comma stands where an entry is wanted", this.line);
        if (this.here() === undefined) throw new Wrong("a bracket [ is not closed", line);
        items.push(this.value(true));
        this.blank();
        if (this.here() === ":") throw new Unknown("a pair inside of a list", this.line);
        if (this.here() === ",") this.at += 1;
        else if (this.here() !== "]") throw new Wrong("expected ',' or ']'", this.line);
      }
      this.at += 1;
      return { kind: "list", items, line };
    }
    map(line) {
      const pairs = [];
      this.at += 1;
      for (;;) {
        this.blank();
        if (this.here() === "}") break;
        if (this.here() === ",") throw new Wrong("a comma stands where a key is wanted", this.line);
        if (this.here() === undefined) throw new Wrong("a brace { is not closed", line);
        if (/[?:[{]/.test(this.here())) throw new Unknown("a key that is no text", this.line);
        const key = this.value(true);
        this.blank();
        let value = plain("", this.line);
        if (this.here() === ":") {
          this.at += 1;
          if (!key.quoted && this.at < this.text.length && !/[\s,[\]{}]/.test(this.here())) {
            throw new Unknown("a colon without a blank", this.line);
          }
          value = this.value(true);
          this.blank();
        }
        pairs.push([key, value]);
        if (this.here() === ",") this.at += 1;
        else if (this.here() !== "}") throw new Wrong("expected ',' or '}'", this.line);
      }
      this.at += 1;
      return { kind: "map", pairs, line };
    }
    end() {
      this.blank();
      if (this.at < this.text.length) {
        throw new Wrong("something stands behind the end of a value", this.line);
      }
    }
  }

  /* The key that a line begins with, and where the rest of the line is; null when it begins with none. */
  function keyOf(text) {
    const first = text[0];
    let end = -1;
    if (first === '"' || first === "'") {
      let at = 1;
      while (at < text.length && (text[at] !== first || (first === "'" && text[at + 1] === "'"))) {
        at += (first === '"' && text[at] === "\\") || (first === "'" && text[at] === "'") ? 2 : 1;
      }
      end = at + 1;
      const colon = /^\s{0,50}:(?=\s|$)/.exec(text.slice(end, end + 60));
      return colon ? { key: text.slice(0, end), rest: end + colon[0].length } : null;
    }
    if (/[[\]{},#&*!|>%@`]/.test(first) || (/[-?:]/.test(first) && /\s/.test(text[1] ?? " "))) return null;
    for (let at = 1; at < text.length; at += 1) {
      if (text[at] === "#" && /\s/.test(text[at - 1])) return null;
      if (text[at] === ":" && (at + 1 === text.length || /\s/.test(text[at + 1]))) {
        return { key: text.slice(0, at).trimEnd(), rest: at + 1 };
      }
    }
    return null;
  }

  class Block {
    constructor(text) {
      this.lines = [];
      text.split("\n").forEach((raw, index) => {
        const row = raw.replace(/\r$/, "");
        const lead = /^ */.exec(row)[0].length;
        const rest = row.slice(lead);
        if (!rest.trim() || rest.startsWith("#")) {
          if (rest.startsWith("\t") && rest.trim()) this.lines.push({ indent: lead, text: rest, line: index + 1 });
          return;
        }
        this.lines.push({ indent: lead, text: rest.trimEnd(), line: index + 1 });
      });
      this.at = 0;
    }
    peek() {
      return this.lines[this.at];
    }
    document() {
      for (const { text, line, indent } of this.lines) {
        if (text.startsWith("\t")) throw new Wrong("a tab stands where YAML wants spaces", line);
        if (indent === 0 && /^(?:---|\.\.\.|%)/.test(text)) throw new Unknown("marks between documents", line);
      }
      if (!this.lines.length) return null;
      const root = this.node(this.peek().indent, -1);
      const left = this.peek();
      if (left) throw new Wrong("this line is indented in a way that fits nothing above it", left.line);
      return root;
    }
    /* The node that begins here; `parent` is how far the one around it is indented. */
    node(indent, parent) {
      const { text } = this.peek();
      if (/^-(?:\s|$)/.test(text)) return this.list(indent);
      if (/^\?(?:\s|$)/.test(text)) throw new Unknown("a key that is no text", this.peek().line);
      if (keyOf(text)) return this.map(indent);
      return this.value(this.peek().text, this.peek().line, parent);
    }
    list(indent) {
      const items = [];
      const { line } = this.peek();
      while (this.peek() && this.peek().indent === indent && /^-(?:\s|$)/.test(this.peek().text)) {
        const row = this.peek();
        const rest = row.text.slice(1).trimStart();
        if (!rest || rest.startsWith("#")) {
          this.at += 1;
          items.push(this.below(indent, row.line, false));
        } else {
          const deeper = indent + row.text.length - rest.length;
          this.lines[this.at] = { indent: deeper, text: rest, line: row.line };
          items.push(this.node(deeper, indent));
        }
        this.after(indent);
      }
      return { kind: "list", items, line };
    }
    map(indent) {
      const pairs = [];
      const { line } = this.peek();
      const seen = new Map();
      while (this.peek() && this.peek().indent === indent && !/^-(?:\s|$)/.test(this.peek().text)) {
        const row = this.peek();
        const found = keyOf(row.text);
        if (!found) throw new Wrong("could not find expected ':'", row.line);
        const flow = new Flow(found.key, row.line);
        const key = flow.value(false);
        flow.end();
        const same = `${key.type} ${key.value}`;
        if (seen.has(same)) this.duplicate ??= new Wrong(`key '${found.key}' stands twice; the last one wins in silence`, row.line, true);
        seen.set(same, true);
        const rest = row.text.slice(found.rest).trimStart();
        if (!rest || rest.startsWith("#")) {
          this.at += 1;
          pairs.push([key, this.below(indent, row.line, true)]);
        } else {
          pairs.push([key, this.value(rest, row.line, indent)]);
        }
        this.after(indent);
      }
      return { kind: "map", pairs, line };
    }
    /* What stands below a key or a dash: deeper, or for a key a list on the same level. */
    below(indent, line, isKey) {
      const next = this.peek();
      if (next && next.indent > indent) return this.node(next.indent, indent);
      if (isKey && next && next.indent === indent && /^-(?:\s|$)/.test(next.text)) return this.list(indent);
      return plain("", line);
    }
    after(indent) {
      const next = this.peek();
      if (next && next.indent > indent) throw new Wrong("this line is indented in a way that fits nothing above it", next.line);
    }
    value(text, line, indent) {
      this.at += 1;
      let whole = text;
      if (/^[[{]/.test(text)) {
        while (this.peek() && !closed(whole) && this.peek().indent > indent) {
          whole += `${"\n".repeat(this.peek().line - this.lines[this.at - 1].line)}${this.peek().text}`;
          this.at += 1;
        }
      }
      const flow = new Flow(whole, line);
      const found = flow.value(false);
      flow.end();
      const next = this.peek();
      if (next && next.indent > indent && found.kind === "scalar") {
        if (keyOf(next.text)) throw new Wrong("mapping values are not allowed here", next.line);
        throw new Unknown("a text of several lines", line);
      }
      return found;
    }
  }

  /* Whether each bracket of a flow value is closed again. */
  function closed(text) {
    let depth = 0;
    let quote = "";
    for (let at = 0; at < text.length; at += 1) {
      const one = text[at];
      if (quote) {
        if (one === "\\" && quote === '"') at += 1;
        else if (one === quote) quote = "";
      } else if ((one === '"' || one === "'") && /[\s,[{:]/.test(text[at - 1] || " ")) quote = one;
      else if (/[[{]/.test(one)) depth += 1;
      else if (/[\]}]/.test(one)) depth -= 1;
    }
    return depth <= 0;
  }

  /* {root, wrong, unknown}: the document, or why it is none, or what of it is not read here. */
  function read(text) {
    if (text.length > 100000) return { root: null, unknown: { message: "more than 100,000 characters", line: 1 } };
    const block = new Block(text);
    try {
      const root = block.document();
      return { root, wrong: block.duplicate };
    } catch (error) {
      if (error instanceof Wrong) return { root: null, wrong: error };
      if (error instanceof Unknown) return { root: null, unknown: error };
      if (error instanceof RangeError) return { root: null, unknown: { message: "very deep nesting", line: 1 } };
      throw error;
    }
  }

  window.PlaybookYaml = { read, plain };
})();
