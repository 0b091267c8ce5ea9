/* Reads the YAML that run config is written in, as Dagster does: YAML 1.1 without dates.
 *
 * A node is {kind: "map", pairs}, {kind: "list", items} or {kind: "scalar", type, value, text}, each with its line.
 * What this reader does not know (anchors, tags, texts of several lines) it says, so that nobody takes it for right.
 */
(() => {
  "use strict";
  const { Wrong, Unknown, Flow, plain } = window.PlaybookFlow;

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
