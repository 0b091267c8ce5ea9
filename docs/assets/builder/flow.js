/* Values of YAML 1.1 as Dagster reads them, without dates: plain and quoted texts, lists and maps in brackets. */
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

  window.PlaybookFlow = { Wrong, Unknown, Flow, plain };
})();
