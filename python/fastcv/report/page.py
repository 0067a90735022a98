# SPDX-License-Identifier: Apache-2.0
"""The frame that every report shares: one HTML file that needs no network, and the pieces that it is made of."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources

from .. import io
from . import pictures
from .contents import Head, Picture


def write_page(path: str | os.PathLike[str], head: Head, sections: Iterable[tuple[str, str]]) -> None:
    """Write a page, whole or not at all; sections are (title, HTML), and those without content are left out."""
    body = [_header(head)]
    body += [f"<section>\n<h2>{title}</h2>\n{content}\n</section>" for title, content in sections if content]
    style = resources.files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    page = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(head.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )
    with io.atomic_write(path) as file:
        file.write(page.encode("utf-8", errors="replace"))


def _header(head: Head) -> str:
    tiles = "".join(f"<div><dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd></div>" for k, v in head.figures)
    warnings = "".join(f"<li>{html.escape(text)}</li>" for text in head.warnings)
    return (
        f'<header>\n<h1>{html.escape(head.title)}</h1>\n<p class="lead">{html.escape(head.lead)}</p>\n'
        f'<dl class="tiles">{tiles}</dl>\n'
        + (f'<ul class="warnings">{warnings}</ul>\n' if warnings else "")
        + "</header>"
    )


def facts(tables: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """A small table under each heading."""
    return "\n".join(f"<h3>{html.escape(title)}</h3>\n{table((), rows)}" for title, rows in tables.items())


def files(names: Sequence[tuple[str, str]]) -> str:
    """Paths and what they hold."""
    rows = [
        f'<tr><td><code>{html.escape(path)}</code></td><td class="text">{html.escape(text)}</td></tr>'
        for path, text in names
    ]
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>' if rows else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>\n" for row in rows)
    thead = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{thead}<tbody>{lines}</tbody></table></div>'


def note(text: str) -> str:
    return f'<p class="note">{html.escape(text)}</p>\n'


def img(picture: Picture, label: str) -> str:
    height, width = picture.shape[:2]
    source = pictures.data_uri(picture)
    return f'<img src="{source}" alt="{html.escape(label)}" width="{width}" height="{height}" loading="lazy">'


def figure(picture: Picture, label: str, caption: str) -> str:
    return f"<figure>{img(picture, label)}<figcaption>{html.escape(caption)}</figcaption></figure>"


def chart(svg: str, label: str, kind: str) -> str:
    drawing = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(label)}"', 1)
    return f'<figure class="{f"chart {kind}".strip()}">{drawing}</figure>\n'


def grid(figures: Sequence[str], wide: bool = False) -> str:
    return f'<div class="grid{" wide" if wide else ""}">\n' + "\n".join(figures) + "\n</div>"


def times(seconds: Mapping[str, float]) -> str:
    """A bar for each stage that took time."""
    longest = max(seconds.values(), default=0.0)
    if longest <= 0:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(stage)}</td><td>{value:.1f} s</td>"
        f'<td class="text"><span class="bar" style="width: {14 * value / longest:.2f}rem"></span></td></tr>'
        for stage, value in seconds.items()
        if value > 0
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def shown(count: int, total: int) -> str:
    """Says so where not all are shown."""
    return f" The first {count} of {total} are shown." if count < total else ""
