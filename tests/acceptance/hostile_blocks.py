"""A grammar of hostile blocks: every place of a page's text that something might evaluate, with what it would run."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

MACROS = (
    "@IF({evil}, 1, 2)", "@EVAL({evil})", "@EACH([1, 2], x -> {evil})", "@REDUCE([1, 2], (x, y) -> {evil})",
    "@FILTER([1, 2], x -> {evil})", "@SQL({evil})", "@SQL('@EVAL({text})')", "@{evil}", "@AND({evil})",
    "@OR({evil}, 1)",
    "@STAR({evil})", "@VAR({evil})", "@GENERATE_SURROGATE_KEY({evil})", "@PIVOT({evil}, ['a'])", "@UNION({evil}, a, b)",
    "@DATE_SPINE('day', {evil}, {evil})", "@DEDUPLICATE(a, [{evil}], ['b'])", "@BLUEPRINT_VAR({evil})",
    "@EVAL(POWER(9, POWER(9, POWER(9, 9))))", "@EACH(@EACH([1], x -> {evil}), y -> @EVAL({evil}))", "@'{text}'",
    "@resolve_template({evil})", "@IF(@EVAL({evil}), {evil}, {evil})", "@nothing({evil})", "@@{evil}",
)  # fmt: skip
JINJA = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.__builtins__.exec({python!r}) }}",
    "{{ env_var('PLAYBOOK_CANARY') }}",
    "{% for a in range(10 ** 9) %}{% for b in range(10 ** 9) %}x{% endfor %}{% endfor %}",
    "{{ self.__init__.__globals__.__builtins__.__import__('os').system({shell!r}) }}",
)
HEAD = (
    "owner {macro}", "tags ({macro}, a)", "kind {macro}", "cron {macro}", "start {macro}", "gateway {macro}",
    "audits (not_null(columns := {macro}))", "audits ({macro})", "signals (s(a := {macro}))", "depends_on ({macro})",
    "physical_properties (a = {macro})", "physical_properties (a = '{text}')", "columns (a {macro})", "grain {macro}",
    "partitioned_by {macro}", "blueprints ((a := {macro}))", "blueprints {macro}", "description '{text}'",
    "kind INCREMENTAL_BY_UNIQUE_KEY (unique_key {macro}, merge_filter {macro})", "dialect {macro}", "{macro}",
    "kind SEED (path '{text}')", "kind SEED (path '/dev/zero')", "kind CUSTOM (materialization {macro})",
    "column_descriptions (a = {macro})", "virtual_environment_mode {macro}", "optimize_query {macro}",
)  # fmt: skip
MODELS = (
    "MODEL (name a.b, kind FULL, {head});\nSELECT {macro} AS a",
    "MODEL (name {macro}.b, kind FULL);\nSELECT 1 AS a FROM {macro} WHERE {macro}",
    "MODEL (name a.b, kind FULL);\n@DEF(x, {macro});\n{macro};\nSELECT @x AS a;\n{macro}",
    "MODEL (name a.b, kind FULL);\nSELECT 1 AS a;\n"
    "ON_VIRTUAL_UPDATE_BEGIN;\n{macro};\n{jinja};\nON_VIRTUAL_UPDATE_END;",
    "MODEL (name a.b, kind FULL, audits (own));\nSELECT 1 AS a;\n"
    "AUDIT (name own, defaults (x = {macro}));\nSELECT {macro}",
    "MODEL (name a.b, kind FULL);\nJINJA_QUERY_BEGIN;\nSELECT {jinja} AS a\nJINJA_END;",
    "MODEL (name a.b, kind FULL);\nJINJA_STATEMENT_BEGIN;\n{jinja}\nJINJA_END;\nSELECT {jinja} AS a",
    "MODEL (name a.b, kind FULL);\nWITH {evil} AS (SELECT {evil}) SELECT {evil} FROM {evil} AS {evil}",
    "MODEL (name a.b, kind VIEW);\n" + "SELECT 1 AS a WHERE " + "(" * 300 + "1" + ")" * 300,
    "AUDIT (name a);\nSELECT {macro}",
    "{macro}",
)
#: each line names the one before it nine times
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML = (
    "a: !!python/object/apply:os.system [{shell!r}]\n",
    "a: !!python/object/new:type {args: ['x', !!python/tuple [], {}], state: {}}\n",
    "a: !!python/name:os.system\n",
    "gateways:\n  a:\n    connection:\n      type: duckdb\n      database: {jinja}\n"
    "model_defaults:\n  dialect: {jinja}\n",
    "model_defaults:\n  dialect: '{text}'\nbefore_all: ['{macro}']\n",
    "run_launcher:\n  module: venv.__main__\n  class: nothing\nrun_retries:\n  max_retries: {jinja}\n",
    "ops:\n  x:\n    config:\n      a: {env: PLAYBOOK_CANARY}\n      restate_models: ['{git}', 'a*{text}']\n",
    "site_name: a\nhooks: [{hook!r}]\nmarkdown_extensions: [venv.__main__]\nplugins: [venv.__main__]\n",
    LAUGHS,
    "a: &a\n  <<: *a\n",
    "[" * 3000 + "]" * 3000 + "\n",
    "a: 1" + "0" * 5000 + "\n",
)  # fmt: skip
PYTHON = (
    "from venv.__main__ import nothing\n",
    "import this, antigravity, idlelib.idle\nfrom __main__ import *\n",
    "__import__('os').system({shell!r})\n{python}\n",
    "import os\n@os.system({shell!r})\nclass A(metaclass=exec({python!r})): ...\n",
    "import dlt\ndlt.hub.transformation.a.b\nfrom dlt.sources import *\n",
    "x = 9 ** 9 ** 9 ** 9\ny = '%d' % x\n",
    "x = " + "(" * 150 + ")" * 150 + "\n",
    "x = " + "-" * 3000 + "1\n",
    "import os" + ".path" * 500 + "\nos" + ".path" * 500 + "\n",
    "#coding: {text}\n\x00\n",
)
OTHERS = (
    ("sh", "playbook check $({shell}) `{shell}`\nsqlmesh plan --select-model '{git}' --restate-model '{text}'\n"),
    ("json", "[" * 3000 + "]" * 3000 + "\n"),
    ("json", '{"a": 1' + "0" * 5000 + "}\n"),
    ("toml", "a = " + "[" * 2000 + "]" * 2000 + "\n"),
    (
        "sql",
        "SELECT {evil} FROM {evil}." + "{evil}." * 3 + "a WHERE a LIKE '{text}' AND " + "(" * 300 + "1" + ")" * 300,
    ),
    ("mermaid", "graph TD\n" + "a[" * 500 + "\n"),
    ("md", "```yaml\na: !!python/name:os.system\n```\n`git:{hook}`\n"),
)
PROSE = (
    "A `{git}` and `tag:{git}` and `venv.__main__.nothing()` and `@EVAL({evil})`.\n",
    "A `MODEL (name a.b, owner {macro})` and `tags ({macro})`.\n",
    '--8<-- "/proc/self/environ"\n',
    '--8<-- "{hook}"\n',
    "[a]({hook}) ![](/dev/zero) [b](../../../../../../../proc/self/environ#a)\n",
    "[" * 2000 + "\n\n" + ">" * 500 + " a\n\n" + "".join("  " * depth + "- a\n" for depth in range(150)),
    "<!-- fact: {text} -->3<!-- /fact --> " + "`" * 700 + "a" * 3000 + "!\n",
    "a" * 30_000 + "!\n",
)
TITLES = ("config.yaml", "dagster.yaml", "mkdocs.yml", ".github/workflows/a.yml", "compose.yaml", "")


def pages(fill: Callable[[str], str]) -> st.SearchStrategy[str]:
    """Pages of a few hostile blocks; `fill` puts the canaries into a template."""
    macro = st.sampled_from(MACROS)
    model = st.builds(
        lambda model, head, macro, jinja: (
            model.replace("{head}", head).replace("{macro}", macro).replace("{jinja}", jinja)
        ),
        st.sampled_from(MODELS), st.sampled_from(HEAD), macro, st.sampled_from(JINJA),
    )  # fmt: skip
    yaml = st.builds(
        lambda title, text, macro, jinja: (
            f'yaml title="{title}"' if title else "yaml",
            text.replace("{macro}", macro).replace("{jinja}", jinja),
        ),
        st.sampled_from(TITLES), st.sampled_from(YAML), macro, st.sampled_from(JINJA),
    )  # fmt: skip
    fences = st.one_of(
        st.tuples(st.just("sql"), model), yaml, st.tuples(st.just("python"), st.sampled_from(PYTHON)),
        st.sampled_from(OTHERS),
    )  # fmt: skip
    blocks = st.one_of(
        fences.map(lambda pair: f"````{pair[0]}\n{pair[1]}\n````\n"),
        st.builds(lambda text, macro: text.replace("{macro}", macro), st.sampled_from(PROSE), macro),
    )
    return st.lists(blocks, min_size=1, max_size=4).map(lambda parts: "# A\n\n" + fill("\n".join(parts)))
