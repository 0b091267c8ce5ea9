/* SQLMesh's selector language over the models of the platform: the same answers as SQLMesh's own, or none. */
(() => {
  "use strict";
  class NotHere extends Error {}
  class NoSelector extends Error {}
  const WORD = /^[A-Za-z_][\w.=-]*$/;
  const TOKEN = /\s*(?:([A-Za-z_][\w.=-]*)|([()&|^+*:]))/y;

  class Graph {
    constructor(platform) {
      this.platform = platform;
      this.models = new Map(platform.models.map((model) => [model.fqn, model]));
      this.children = new Map();
      this.tags = new Map();
      for (const model of platform.models) {
        for (const parent of model.depends_on) this.add(this.children, parent, model.fqn);
        for (const tag of model.tags) this.add(this.tags, tag.toLowerCase(), model.fqn);
      }
    }
    add(map, key, value) {
      if (!map.has(key)) map.set(key, new Set());
      map.get(key).add(value);
    }
    named(pattern) {
      if (pattern.includes("*")) {
        const found = glob(pattern);
        return new Set([...this.models].filter(([, model]) => found.test(model.name)).map(([fqn]) => fqn));
      }
      if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,2}$/.test(pattern)) throw new NotHere("a name that SQLMesh reads in its own way");
      const parts = pattern.toLowerCase().split(".");
      if (parts.length === 2 && this.platform.catalog) parts.unshift(this.platform.catalog.toLowerCase());
      const fqn = parts.map((part) => `"${part}"`).join(".");
      return new Set(this.models.has(fqn) ? [fqn] : []);
    }
    tagged(pattern) {
      const lower = pattern.toLowerCase();
      if (!lower.includes("*")) return new Set(this.tags.get(lower));
      const found = glob(lower);
      return new Set([...this.tags].filter(([tag]) => found.test(tag)).flatMap(([, names]) => [...names]));
    }
    reached(start, following) {
      const found = new Set();
      const waiting = [...start];
      while (waiting.length) {
        for (const fqn of following(waiting.pop())) {
          if (!found.has(fqn)) {
            found.add(fqn);
            waiting.push(fqn);
          }
        }
      }
      return found;
    }
    downstream(names) {
      return this.reached(names, (fqn) => this.children.get(fqn) || []);
    }
    upstream(names) {
      return this.reached(names, (fqn) => (this.models.has(fqn) ? this.models.get(fqn).depends_on : []));
    }
    directed(names, isUp, isDown) {
      const found = new Set(names);
      if (isUp) for (const fqn of this.upstream(names)) found.add(fqn);
      if (isDown) for (const fqn of this.downstream(names)) found.add(fqn);
      return new Set([...found].filter((fqn) => this.models.has(fqn)));
    }
  }

  const glob = (pattern) => new RegExp(`^${pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[^]*")}$`);

  class Parser {
    constructor(text, graph) {
      this.graph = graph;
      this.tokens = [];
      const whole = text.trimEnd();
      TOKEN.lastIndex = 0;
      while (TOKEN.lastIndex < whole.length) {
        const found = TOKEN.exec(whole);
        if (!found) throw new NotHere("a sign that SQLMesh reads in its own way");
        this.tokens.push(found[1] ?? found[2]);
      }
      this.at = 0;
    }
    match(sign) {
      if (this.tokens[this.at] !== sign) return false;
      this.at += 1;
      return true;
    }
    kind(name) {
      if ((this.tokens[this.at] || "").toLowerCase() !== name || this.tokens[this.at + 1] !== ":") return false;
      this.at += 2;
      return true;
    }
    word() {
      if (!WORD.test(this.tokens[this.at] || "")) return null;
      this.at += 1;
      return this.tokens[this.at - 1];
    }
    conjunction() {
      let found = this.unary();
      if (this.match("&")) {
        const other = this.unary();
        found = new Set([...found].filter((fqn) => other.has(fqn)));
      }
      if (this.match("|")) found = new Set([...found, ...this.conjunction()]);
      return found;
    }
    unary() {
      if (!this.match("^")) return this.operand();
      const left = this.unary();
      return new Set([...this.graph.models.keys()].filter((fqn) => !left.has(fqn)));
    }
    operand() {
      const isUp = this.match("+");
      const isTag = this.kind("tag");
      if ((!isTag && this.kind("resource_type")) || this.kind("git")) throw new NotHere("a question for a checkout or for dbt");
      const left = this.match("*") ? "*" : "";
      const word = this.word();
      let found;
      let isDown = false;
      if (word !== null) {
        const pattern = left + word + (this.match("*") ? "*" : "");
        isDown = this.match("+");
        found = isTag ? this.graph.tagged(pattern) : this.graph.named(pattern);
      } else if (this.match("(")) {
        if (isTag) throw new NotHere("brackets behind tag:");
        found = this.conjunction();
        isDown = this.match("+");
        if (!this.match(")")) throw new NoSelector("a bracket is not closed");
      } else if (left) {
        found = isTag ? this.graph.tagged("*") : this.graph.named("*");
      } else throw new NoSelector("the name of a model is wanted");
      return isUp || isDown ? this.graph.directed(found, isUp, isDown) : found;
    }
  }

  /* {models}, {error} or {unknown}: what an entry selects, why SQLMesh would not parse it, or why only SQLMesh can tell. */
  function select(entry, graph) {
    if (entry.length > 500 || !graph.platform.selectable) return { unknown: "only SQLMesh itself can tell" };
    try {
      return { models: new Parser(`(${entry})`, graph).conjunction() };
    } catch (error) {
      if (error instanceof NotHere) return { unknown: error.message };
      if (error instanceof NoSelector) return { error: error.message };
      throw error;
    }
  }

  window.PlaybookSelector = { Graph, select };
})();
