"""The name of a lead that shows a needle: `needle left FDI`."""

PREFIX = "needle "


def muscle_of(lead: str | None) -> str | None:
    """The muscle that a lead's needle goes into; None for every other lead."""
    return lead[len(PREFIX) :] if lead is not None and lead.startswith(PREFIX) else None
