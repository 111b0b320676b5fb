"""Publishes what a run did, as artifacts that operators read in Prefect's pages."""

from typing import Any, Final

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from ncric_core.pipeline.outcome import AgencyOutcome, Outcome
from ncric_core.safe_text import markdown

FIGURES: Final = ("found", "loaded", "already_there", "rejected", "waiting")


def publish(outcome: Outcome, title: str) -> None:
    """Makes a run's artifacts: a summary with rates, new names and failures; reads by agency; rejects by reason."""
    create_markdown_artifact(_summary(outcome, title), key="run-summary", description=markdown(title))
    create_table_artifact(_by_agency(outcome), key="reads-by-agency", description=f"{markdown(title)}: reads by agency")
    if outcome.rejects:
        table = [{"reason": reason, "rows": rows} for reason, rows in outcome.rejects.most_common()]
        create_table_artifact(table, key="rejects-by-reason", description=f"{markdown(title)}: rejects by reason")


def _by_agency(outcome: Outcome) -> list[dict[str, Any]]:
    rows = sorted(outcome.agencies.items(), key=lambda item: -item[1].found)
    table = [{"agency": name or "(no agency)", **_figures(one)} for name, one in rows]
    return [*table, {"agency": "total", **_figures(outcome.total)}]


def _figures(one: AgencyOutcome) -> dict[str, int]:
    return {name.replace("_", " "): getattr(one, name) for name in FIGURES}


def _summary(outcome: Outcome, title: str) -> str:
    total = outcome.total
    rate = f"{total.loaded / outcome.seconds:,.0f} reads/s" if outcome.seconds else ""
    lines = [
        f"## {markdown(title)}",
        "Dry run: nothing was loaded." if outcome.dry_run else "",
        f"{outcome.files_listed:,} files, {outcome.files_known:,} of them loaded before, {outcome.files_read:,} read "
        f"in {outcome.seconds:.1f} s ({rate}).",
        f"**{total.found:,} rows found = {total.loaded:,} loaded + {total.already_there:,} already there + "
        f"{total.rejected:,} rejected + {total.waiting:,} waiting.**",
        f"{outcome.photos:,} photos, {outcome.bad_photos:,} unreadable.",
        outcome.corrected,
    ]
    if outcome.files_growing:
        lines.append(f"{outcome.files_growing:,} files may still be being written: the next run reads them.")
    if outcome.new_agencies:
        names = "\n".join(f"- {markdown(name)}" for name in outcome.new_agencies)
        lines.append(f"### Names never seen\nLoaded under themselves; map them with `ncric agencies map`.\n\n{names}")
    failed = [f"- **{markdown(name)}**: {markdown(error)}" for name, error in outcome.failed_agencies.items()]
    failed += [f"- {markdown(error)}" for error in outcome.failed_files.values()]
    if failed:
        lines.append("### Not loaded\n" + "\n".join(failed))
    return "\n\n".join(line for line in lines if line)
