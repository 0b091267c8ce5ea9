"""The language server: wires the protocol to sessions. Questions are answered by one thread, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from dagster_playbook import __version__
from dagster_playbook.errors import PlaybookError
from dagster_playbook.findings import Finding
from dagster_playbook.lsp.answers import Answers
from dagster_playbook.lsp.diagnostics import FIX_ALL
from dagster_playbook.lsp.session import Session
from dagster_playbook.settings import find_root

T = TypeVar("T")
#: seconds of no typing after which a page is judged
DEBOUNCE_S = 0.15
_SUFFIXES = (".md", ".markdown", ".mdc")


class PlaybookServer(LanguageServer):
    """Keeps the open pages judged.

    Attributes:
        answers: by project root.
        findings: by the URI of an open page, as last published.
    """

    def __init__(self) -> None:
        super().__init__("playbook", __version__)
        self.answers: dict[Path, Answers] = {}
        self.findings: dict[str, list[Finding]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._shown: dict[str, dict[str, list[types.Diagnostic]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="playbook")
        self._last_error = ""

    def answers_for(self, uri: str) -> tuple[Answers, str]:
        """The answers of the project that a page belongs to, and its path in it."""
        file = Path(uris.to_fs_path(uri) or "").resolve()
        root = find_root(file.parent)
        folder = self.workspace.root_path
        if root == file.parent and folder and file.is_relative_to(Path(folder).resolve()):
            root = Path(folder).resolve()
        if root not in self.answers:
            self.answers[root] = Answers(Session(root), self.workspace.position_codec)
        return self.answers[root], file.relative_to(root).as_posix()

    async def ask(self, question: Callable[..., T], *arguments: Any, default: T) -> T:
        """Ask in the worker thread; what keeps us from looking is shown once, and the default answered."""
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._worker, question, *arguments)
        except PlaybookError as error:
            if str(error) != self._last_error:
                self._last_error = str(error)
                self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"playbook: {error}"))
            return default
        self._last_error = ""
        return answer

    def judge_soon(self, uri: str, delay_s: float = DEBOUNCE_S) -> None:
        """Judge a page after a pause; typing on begins the pause anew. Files of other kinds are left alone."""
        if not uri.endswith(_SUFFIXES):
            return
        if uri in self._timers:
            self._timers.pop(uri).cancel()
        self._timers[uri] = asyncio.get_running_loop().call_later(delay_s, self._begin, uri)

    def close(self, uri: str) -> None:
        """Forget an open page and take its diagnostics away."""
        if uri in self._timers:
            self._timers.pop(uri).cancel()
        answers, path = self.answers_for(uri)
        answers.session.texts.pop(path, None)
        self.findings.pop(uri, None)
        self._publish(uri, {})

    async def look_again(self) -> None:
        """After files have changed: read the platform anew if it has, and judge what is open."""
        for answers in list(self.answers.values()):
            if await self.ask(answers.session.is_stale, default=False):
                note = "playbook: the platform has changed; pages are held to the new one"
                self.window_log_message(types.LogMessageParams(types.MessageType.Info, note))
                answers.session.reload()
        for uri in list(self.workspace.text_documents):
            self.judge_soon(uri, 0)

    def _begin(self, uri: str) -> None:
        self._timers.pop(uri, None)
        task = asyncio.get_running_loop().create_task(self._judge(uri))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _judge(self, uri: str) -> None:
        document = self.workspace.text_documents.get(uri)
        if document is None:
            return
        version = document.version
        answers, path = self.answers_for(uri)
        answers.session.texts[path] = document.source
        findings = await self.ask(answers.session.findings, path, default=None)
        current = self.workspace.text_documents.get(uri)
        if findings is None or current is None or current.version != version:
            return
        self.findings[uri] = findings
        self._publish(uri, answers.diagnostics(findings, path, uri), version)

    def _publish(self, uri: str, found: dict[str, list[types.Diagnostic]], version: int | None = None) -> None:
        """Show a page's diagnostics; those of an included file are joined over all pages that include it."""
        before = self._shown.get(uri, {})
        self._shown[uri] = found
        for target in dict.fromkeys([uri, *before, *found]):
            joined = [item for shown in self._shown.values() for item in shown.get(target, [])]
            unique = list({repr(item): item for item in joined}.values())
            params = types.PublishDiagnosticsParams(target, unique, version if target == uri else None)
            self.text_document_publish_diagnostics(params)
        if not found:
            self._shown.pop(uri, None)

    def shutdown(self) -> None:
        """Stop judging."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        super().shutdown()  # type: ignore[no-untyped-call]


def make_server() -> PlaybookServer:
    """A server with every feature registered."""
    server = PlaybookServer()
    _register_documents(server)
    _register_questions(server)
    return server


def _register_documents(server: PlaybookServer) -> None:
    @server.feature(types.INITIALIZED)
    def initialized(ls: PlaybookServer, _: types.InitializedParams) -> None:
        watched = ls.client_capabilities.workspace and ls.client_capabilities.workspace.did_change_watched_files
        if watched and watched.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
            registration = types.Registration("watch", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
            ls.client_register_capability(types.RegistrationParams([registration]))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: PlaybookServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.judge_soon(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: PlaybookServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.judge_soon(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: PlaybookServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.close(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(ls: PlaybookServer, params: types.DidSaveTextDocumentParams) -> None:
        answers, _ = ls.answers_for(params.text_document.uri)
        await ls.ask(answers.session.save, default=None)
        await ls.look_again()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(ls: PlaybookServer, _: types.DidChangeWatchedFilesParams) -> None:
        await ls.look_again()


def _register_questions(server: PlaybookServer) -> None:
    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    async def code_actions(ls: PlaybookServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        answers, path = ls.answers_for(uri)
        found = ls.findings.get(uri, [])
        return await ls.ask(answers.actions, found, path, uri, params, default=[])

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(ls: PlaybookServer, params: types.HoverParams) -> types.Hover | None:
        uri = params.text_document.uri
        answers, path = ls.answers_for(uri)
        answers.session.texts[path] = ls.workspace.get_text_document(uri).source
        return await ls.ask(answers.hover, path, params.position, ls.findings.get(uri, []), default=None)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", "`", "-", ":", '"', "="])
    )
    async def complete(ls: PlaybookServer, params: types.CompletionParams) -> types.CompletionList:
        uri = params.text_document.uri
        answers, path = ls.answers_for(uri)
        answers.session.texts[path] = ls.workspace.get_text_document(uri).source
        items = await ls.ask(answers.completions, path, params.position, default=list[types.CompletionItem]())
        return types.CompletionList(is_incomplete=False, items=items)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def define(ls: PlaybookServer, params: types.DefinitionParams) -> types.Location | None:
        uri = params.text_document.uri
        answers, path = ls.answers_for(uri)
        answers.session.texts[path] = ls.workspace.get_text_document(uri).source
        return await ls.ask(answers.definition, path, params.position, default=None)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outline(ls: PlaybookServer, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        uri = params.text_document.uri
        answers, path = ls.answers_for(uri)
        answers.session.texts[path] = ls.workspace.get_text_document(uri).source
        return await ls.ask(answers.symbols, path, default=list[types.DocumentSymbol]())
