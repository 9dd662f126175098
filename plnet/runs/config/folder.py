"""Where the configuration files are, in an installed package and in a checkout."""

from pathlib import Path

from plnet.errors import ConfigError

__all__ = ["config_dir"]

_PACKAGE = Path(__file__).resolve().parents[2]


def config_dir() -> Path:
    """Return the folder of the configuration files that come with plnet.

    An installed wheel holds them as ``plnet/conf``. In a checkout, and so in an editable install, they are in
    ``conf`` beside the package.

    Returns
    -------
    pathlib.Path
        An absolute path to an existing folder.

    Raises
    ------
    ConfigError
        Neither folder exists, so the installation is not complete.
    """
    installed = _PACKAGE / "conf"
    if installed.is_dir():
        return installed
    checkout = _PACKAGE.parent / "conf"
    # A folder named conf beside an installed package could be anybody's. A checkout has pyproject.toml too.
    if checkout.is_dir() and checkout.with_name("pyproject.toml").is_file():
        return checkout
    raise ConfigError(
        f"expected the configuration files of plnet in {installed} (installed package) "
        f"or {checkout} (checkout), and found neither; install plnet again, or get a complete copy "
        "of the project"
    )
