"""The public prior files that come with the program: what a new fleet is assumed to be like."""

from importlib.resources import files

from railtrace.analysis.pooling import Prior, read_priors
from railtrace.errors import CatalogueError

LATEST = "fleet-2026-11"


def public_prior(component: str = "any", file: str = LATEST) -> Prior:
    """Return the prior of a component from a public file.

    Raises
    ------
    CatalogueError : no such file or component; the message lists the components.
    """
    path = files("railtrace.analysis") / "priors" / f"{file}.toml"
    if not path.is_file():
        raise CatalogueError("no prior file {file}", file=file)
    priors = read_priors(path.read_text("utf-8"))
    if component not in priors:
        raise CatalogueError(
            "{file} has no prior of {component}; it has {known}",
            file=file, component=component, known=", ".join(priors),
        )  # fmt: skip
    return priors[component]
