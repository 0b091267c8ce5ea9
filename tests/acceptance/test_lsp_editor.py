"""The language server, spoken to by a real client over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

_DEADLINE_S = 90

BROKEN = """\
# Load

Nobody runs `load_jobb`, and 𝄞 reads `lake_relesed`.

```{ .yaml job="load_job" }
ops:
  load_orders:
    config:
      limitt: 5
  publish:
    config:
      target:
        table: orders
```
"""


class Editor:
    """An editor with pages open; `shown` waits until the diagnostics of a version are there."""

    def __init__(self, client: LanguageClient, root: Path) -> None:
        self.client = client
        self.root = root
        self._published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()
        self._version = 0

        @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: types.PublishDiagnosticsParams) -> None:
            self._published.put_nowait(params)

        @client.feature(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            self.messages.put_nowait(params.message)

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()

    def open(self, path: str, text: str) -> None:
        item = types.TextDocumentItem(self.uri(path), "markdown", 0, text)
        self._version = 0
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def write(self, path: str, text: str) -> None:
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(self._version, self.uri(path))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def shown(self, path: str, version: int | None = 0) -> list[types.Diagnostic]:
        """The diagnostics of a version of a page, or of a file that is not open."""
        while True:
            told = await asyncio.wait_for(self._published.get(), _DEADLINE_S)
            if (told.uri, told.version) == (self.uri(path), version):
                return list(told.diagnostics)

    async def completed(self, path: str, line: int, character: int) -> dict[str, types.CompletionItem]:
        where = types.Position(line, character)
        asked = types.CompletionParams(types.TextDocumentIdentifier(self.uri(path)), where)
        answer = await asyncio.wait_for(self.client.text_document_completion_async(asked), _DEADLINE_S)
        assert isinstance(answer, types.CompletionList)
        return {item.label: item for item in answer.items}

    async def hovered(self, path: str, line: int, character: int) -> str:
        asked = types.HoverParams(types.TextDocumentIdentifier(self.uri(path)), types.Position(line, character))
        answer = await asyncio.wait_for(self.client.text_document_hover_async(asked), _DEADLINE_S)
        assert answer is None or isinstance(answer.contents, types.MarkupContent)
        return answer.contents.value if answer else ""  # type: ignore[union-attr]

    async def actions(self, path: str, only: list[str] | None = None) -> list[types.CodeAction]:
        whole = types.Range(types.Position(0, 0), types.Position(1000, 0))
        context = types.CodeActionContext([], only=only)
        asked = types.CodeActionParams(types.TextDocumentIdentifier(self.uri(path)), whole, context)
        answer = await asyncio.wait_for(self.client.text_document_code_action_async(asked), _DEADLINE_S)
        return [action for action in answer or [] if isinstance(action, types.CodeAction)]


@asynccontextmanager
async def editor_in(root: Path) -> AsyncIterator[Editor]:
    client = LanguageClient("test", "1")
    editor = Editor(client, root)
    await client.start_io(str(Path(sys.executable).with_name("playbook")), "lsp")
    try:
        capabilities = types.ClientCapabilities()
        folder = types.WorkspaceFolder(root.as_uri(), "project")
        asked = types.InitializeParams(capabilities, root_uri=root.as_uri(), workspace_folders=[folder])
        await asyncio.wait_for(client.initialize_async(asked), _DEADLINE_S)
        client.initialized(types.InitializedParams())
        yield editor
        await asyncio.wait_for(client.shutdown_async(None), _DEADLINE_S)
        client.exit(None)
    except BaseException:
        # nobody has told the server to go: without this the client would wait for it for ever
        if client._server is not None:
            client._server.kill()
        raise
    finally:
        await client.stop()


def in_editor(root: Path, act: Callable[[Editor], Awaitable[Any]]) -> Any:
    async def session() -> Any:
        async with editor_in(root) as editor:
            return await act(editor)

    return asyncio.run(session())


def test_diagnostics_on_open_and_change(sample_platform: Path) -> None:
    """Findings of the text in the editor are shown when it is opened, and gone when it is mended; no file is needed."""

    async def act(editor: Editor) -> tuple[list[types.Diagnostic], list[types.Diagnostic]]:
        editor.open("docs/a.md", BROKEN)
        first = await editor.shown("docs/a.md")
        mended = BROKEN.replace("jobb", "job").replace("relesed", "released").replace("limitt", "limit")
        editor.write("docs/a.md", mended)
        return first, await editor.shown("docs/a.md", 1)

    first, second = in_editor(sample_platform, act)
    assert [item.code for item in first] == ["DG104", "SV301", "DG101"] and second == []


def test_place_in_the_editor_s_units(sample_platform: Path) -> None:
    """A range is in UTF-16 units: behind a character of two units it still covers exactly the word."""

    async def act(editor: Editor) -> list[types.Diagnostic]:
        editor.open("docs/a.md", BROKEN)
        return await editor.shown("docs/a.md")

    diagnostic = next(item for item in in_editor(sample_platform, act) if item.code == "SV301")
    line = BROKEN.split("\n")[diagnostic.range.start.line].encode("utf-16-le")
    start, end = diagnostic.range.start.character, diagnostic.range.end.character
    assert line[2 * start : 2 * end].decode("utf-16-le") == "lake_relesed"


def test_quick_fixes(sample_platform: Path) -> None:
    """A fix is offered by itself, and all of a page as one action for editors that fix on save; a guess is neither."""

    async def act(editor: Editor) -> tuple[list[types.CodeAction], list[types.CodeAction]]:
        editor.open("docs/a.md", BROKEN)
        await editor.shown("docs/a.md")
        return await editor.actions("docs/a.md"), await editor.actions("docs/a.md", ["source.fixAll"])

    every, on_save = in_editor(sample_platform, act)
    quick = [action for action in every if action.kind == types.CodeActionKind.QuickFix]
    texts = [edit.new_text for action in quick for edits in action.edit.changes.values() for edit in edits]
    assert sorted(texts) == ["limit"]
    (all_of_them,) = on_save
    assert sum(len(edits) for edits in all_of_them.edit.changes.values()) == 1


RUN = "```yaml\nops:\n  load_orders:\n    config:\n"
COMPLETIONS = [
    ("op of a job", "```{ .yaml job=\"load_job\" }\nops:\n  l|\n```", {"load_orders", "publish"}, {"limit"}),
    ("config key", RUN + "      limit: 1\n      |\n```", {"mode", "dry_run"}, {"limit"}),
    ("boolean", RUN + "      dry_run: |\n```", {"true", "false"}, {"limit"}),
    ("enum", RUN + "      mode: |\n```", {"FAST", "SAFE"}, {"true"}),
    ("nested key", RUN + "      window:\n        |\n```", {"start", "end"}, {"mode"}),
    ("model", RUN + "      restate_models:\n        - shop.|\n```", {"shop.customers"}, {"order"}),
    ("category", RUN + "      restate_entity_categories: [|]\n```", {"customer", "order"}, {"shop.customers"}),
    ("job", "```{ .yaml job=\"l|\" }\nops: {}\n```", {"load_job", "promote_job"}, {"load_orders"}),
    ("table", "```sql\nSELECT x FROM shop.|\n```", {"shop.customers"}, {"load_job"}),
    ("column", "```sql\nSELECT c.| FROM shop.customers AS c\n```", {"c.customer_id"}, {"shop.customers"}),
    ("sub-command", "```sh\nshopctl |\n```", {"count"}, {"shop.customers"}),
    ("model of an option", "```sh\nsqlmesh plan --restate-model |\n```", {"shop.customers"}, {"--explain"}),
    ("option", "```sh\nsqlmesh plan --e|\n```", {"--explain", "--restate-model"}, {"shop.customers"}),
    ("property", "```properties\niceberg.|\n```", {"iceberg.catalog.type"}, {"shop.customers"}),
    ("inline code", "Run `lo|`.", {"load_job", "shop.customers", "lake"}, {"--explain"}),
    ("fact", "Up to <!-- fact: dagster.| -->3<!-- /fact -->.", {"dagster.jobs.count"}, {"load_job"}),
]  # fmt: skip


def test_completion(sample_platform: Path, subtests: pytest.Subtests) -> None:
    """At each cursor (|) the names that fit are proposed, and others are not."""

    async def act(editor: Editor) -> dict[str, dict[str, types.CompletionItem]]:
        found = {}
        for number, (what, text, _, _) in enumerate(COMPLETIONS):
            path = f"docs/{number}.md"
            before = text[: text.index("|")]
            editor.open(path, text.replace("|", "", 1))
            line = before.count("\n")
            found[what] = await editor.completed(path, line, len(before) - before.rfind("\n") - 1)
        return found

    found = in_editor(sample_platform, act)
    for what, _, proposed, other in COMPLETIONS:
        with subtests.test(what):
            assert proposed <= set(found[what])
            assert other.isdisjoint(found[what])


def test_completion_replaces_the_whole_name(sample_platform: Path) -> None:
    """A proposal replaces all of a dotted name that is being written, not what stands behind its last dot."""
    text = RUN + "      restate_models: [shop.cu]\n```"

    async def act(editor: Editor) -> types.CompletionItem:
        editor.open("docs/a.md", text)
        return (await editor.completed("docs/a.md", 4, len("      restate_models: [shop.cu")))["shop.customers"]

    edit = in_editor(sample_platform, act).text_edit
    line = text.split("\n")[4]
    assert line[edit.range.start.character : edit.range.end.character] == "shop.cu"


HOVERS = [
    ("model", "Read `shop.customers`.", 10, "**model** `shop.customers` (FULL"),
    ("job", "Run `load_job`.", 8, "**job** `load_job`"),
    (
        "config key",
        RUN + "      limit: 1\n```",
        8,
        "How many orders to read at most.",
    ),
    ("catalog", "Read `lake`.", 8, "reads `main`"),
    ("fact", "There are <!-- fact: dagster.jobs.count -->2<!-- /fact -->.", 43, "dagster.jobs.count"),
    ("rule of a finding", "Read `lake_relesed`.", 8, "# SV301 unknown-catalog"),
    ("nothing", "Just words.", 2, ""),
]


def test_hover(sample_platform: Path, subtests: pytest.Subtests) -> None:
    """Hovering tells what the platform knows of a name, and the rule where there is a finding."""

    async def act(editor: Editor) -> dict[str, str]:
        told = {}
        for number, (what, text, character, _) in enumerate(HOVERS):
            path = f"docs/{number}.md"
            editor.open(path, text)
            await editor.shown(path)
            told[what] = await editor.hovered(path, 4 if "\n" in text else 0, character)
        return told

    told = in_editor(sample_platform, act)
    for what, _, _, expected in HOVERS:
        with subtests.test(what):
            assert expected in told[what] if expected else told[what] == ""


def test_finding_in_an_included_file(small_project: Path) -> None:
    """A finding in an included file is shown at that file, and taken away when the page is closed."""
    (small_project / "shared.md").write_text("The catalog `laek`.\n")

    async def act(editor: Editor) -> tuple[list[types.Diagnostic], list[types.Diagnostic]]:
        editor.open("docs/index.md", '--8<-- "shared.md"\n')
        shown = await editor.shown("shared.md", None)
        document = types.TextDocumentIdentifier(editor.uri("docs/index.md"))
        editor.client.text_document_did_close(types.DidCloseTextDocumentParams(document))
        return shown, await editor.shown("shared.md", None)

    shown, gone = in_editor(small_project, act)
    assert [item.code for item in shown] == ["SV301"] and gone == []


def test_link_to_an_unsaved_heading(small_project: Path) -> None:
    """A link is held to the headings of the other page as it stands in the editor, not on disk."""

    async def act(editor: Editor) -> list[types.Diagnostic]:
        editor.open("docs/broken.md", "# Renamed\n")
        await editor.shown("docs/broken.md")
        editor.open("docs/index.md", "[there](broken.md#renamed) and [not](broken.md#two-mistakes)\n")
        return await editor.shown("docs/index.md")

    assert [item.code for item in in_editor(small_project, act)] == ["PB012"]


def test_platform_change_is_seen(small_project: Path) -> None:
    """When a file of the platform is saved, the open pages are held to the new platform."""

    async def act(editor: Editor) -> tuple[list[types.Diagnostic], list[types.Diagnostic]]:
        editor.open("docs/index.md", "Read `lake`.\n")
        before = await editor.shown("docs/index.md")
        (small_project / "catalogs" / "lake.properties").rename(small_project / "catalogs" / "pond.properties")
        changed = types.FileEvent(editor.uri("catalogs/lake.properties"), types.FileChangeType.Deleted)
        editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([changed]))
        return before, await editor.shown("docs/index.md")

    before, after = in_editor(small_project, act)
    assert before == [] and [item.code for item in after] == ["PB006"]


def test_broken_project_is_told(small_project: Path) -> None:
    """A project that cannot be looked at is told as a message, and the server goes on."""
    settings = small_project / "pyproject.toml"
    good = settings.read_text()
    settings.write_text(good.replace("strict = true", "strict = 1"))

    async def act(editor: Editor) -> tuple[str, list[types.Diagnostic]]:
        editor.open("docs/index.md", "Read `laek`.\n")
        message = await asyncio.wait_for(editor.messages.get(), _DEADLINE_S)
        settings.write_text(good)
        editor.write("docs/index.md", "Read `laek` .\n")
        return message, await editor.shown("docs/index.md", 1)

    message, shown = in_editor(small_project, act)
    assert "strict has to be true or false" in message and [item.code for item in shown] == ["SV301"]
