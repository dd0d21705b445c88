"""The command line: ``mmalign study | measure | report | data``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from ..errors import UserError
from ..printable import printable
from .data import data
from .extract import extract
from .measure import measure
from .options import help_without_command, source_named
from .study import study

# What pip install "mmkernels[study]" brings; the import of anything else failing is a defect.
_STUDY_PACKAGES = {
    "torch",
    "filelock",
    "jinja2",
    "joblib",
    "librosa",
    "matplotlib",
    "mlxtend",
    "pandas",
    "platformdirs",
    "pyarrow",
    "safetensors",
    "scipy",
    "threadpoolctl",
}

_HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_HELP, invoke_without_command=True)
@click.version_option(package_name="mmkernels", prog_name="mmalign")
@click.pass_context
def cli(context: click.Context) -> None:
    """Does alignment between modalities emerge, and does it predict performance?

    Start with a study of digits seen and heard, or with two files of features of your own:

    \b
        mmalign study av-digits
        mmalign study synthetic
        mmalign measure image.npy text.npy
    """
    help_without_command(context)


cli.add_command(measure)
cli.add_command(study)
cli.add_command(data)
cli.add_command(extract)


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The directory of AV-MNIST that was studied, for the examples in the report.",
)
def report(directory: Path, data: Path | None) -> None:
    """Write the report of a study again, from its finished cells.

    \b
    Example:
        mmalign report results/av-digits
    """
    if not directory.is_dir():
        raise UserError(f"{directory} is not a directory; expected one that a study has filled.")
    from ..report import write_report
    from ..report.captions import write_caption_report
    from ..report.digits_and_voices import write_digits_and_voices_report
    from ..report.synthetic import write_synthetic_report
    from ..study.benchmarks import AFFECT
    from ..study.directory import StudyDirectory

    writers = {
        "captions": write_caption_report,
        "synthetic": write_synthetic_report,
        "digits-and-voices": write_digits_and_voices_report,
    }
    name = StudyDirectory(directory).read().get("name")
    if data is not None and name in (*writers, *AFFECT):
        raise UserError(f"--data is for a study of AV-MNIST; {directory} holds a {name} one.")
    if name in writers:
        click.echo(writers[name](directory))
    else:
        click.echo(write_report(directory, source=source_named(data) if data else None))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0, 2 for wrong input, 130 for Ctrl-C.

    ``data check`` also returns 1, for data that must be repaired first.

    Whatever the user can act on is one line on standard error; a traceback means a defect.
    """
    try:
        result = cli.main(arguments, prog_name="mmalign", standalone_mode=False)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "mmalign"
        return _fail(f"{error.format_message()} See {command} --help.")
    except click.ClickException as error:
        return _fail(error.format_message())
    except UserError as error:
        return _fail(str(error))
    except click.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        return _fail(str(error.__cause__) or "Stopped.", code=130)
    except MemoryError:
        return _fail("There is not enough memory.")
    except OSError as error:
        if error.errno is None:
            raise
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{os.strerror(error.errno)}.")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _STUDY_PACKAGES:
            raise
        return _fail(f'The package {package} is not installed: pip install "mmkernels[study]".')
    return result if isinstance(result, int) else 0


def _fail(sentence: str, code: int = 2) -> int:
    click.echo(f"mmalign: {printable(' '.join(sentence.split()))}", err=True)
    return code
