"""The command line: ``mmalign study | measure | report | data``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from .cli_measure import measure
from .cli_options import Numbers
from .errors import UserError

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
        mmalign measure image.npy text.npy
    """
    _help_without_command(context)


cli.add_command(measure)


@cli.group(invoke_without_command=True)
@click.pass_context
def study(context: click.Context) -> None:
    """Train encoders, measure how alike they are, write a report.

    \b
    Example:
        mmalign study av-digits --preset quick
    """
    _help_without_command(context)


@study.command("av-digits")
@click.option(
    "--preset",
    default="quick",
    show_default=True,
    metavar="NAME",
    help="quick: 3 seeds x 4 depths per view, minutes on two cores. full: 5 seeds x 10 depths and "
    "100 epochs, hours.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where results go.  [default: study-av-digits-PRESET]",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, cuda, cuda:N, or auto for what is there.",
)
@click.option("--workers", type=int, help="Encoders trained at a time.  [default: one per core]")
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Continue what DIR already holds, or refuse a DIR that holds a study.",
)
@click.option("--seeds", type=Numbers(), help='Instead of the preset\'s, such as "0-4".')
@click.option("--depths", type=Numbers(), help='Instead of the preset\'s, such as "1,2,4,8".')
@click.option("--epochs", type=int, help="Instead of the preset's.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A directory of the real AV-MNIST (image/train_data.npy, ...) to study in place of the "
    "built-in digits.",
)
def study_av_digits(
    preset: str,
    out: Path | None,
    device: str,
    workers: int | None,
    resume: bool,
    seeds: tuple[int, ...] | None,
    depths: tuple[int, ...] | None,
    epochs: int | None,
    data: Path | None,
) -> None:
    """Study handwritten digits paired with spoken ones.

    Trains an image encoder and an audio encoder of every depth and seed, measures on test samples
    how alike their layers are, and writes DIR/report.html. The data is made on the first run,
    without a download. Interrupted, it goes on where it was when started again.

    \b
    Example:
        mmalign study av-digits --preset quick --out results/av-digits
    """
    from .data.paired import standardize
    from .data.sources import load_dataset
    from .report import write_report
    from .study import av_digits_study, run_study

    directory = out or Path(f"study-av-digits-{preset}")
    if not resume and (directory / "study.json").exists():
        raise UserError(
            f"{directory} already holds a study; leave out --no-resume to continue it, or choose "
            "another --out."
        )
    source = _source(data)
    dataset = standardize(load_dataset(source, progress=True))
    asked = av_digits_study(preset, dataset, seeds=seeds, depths=depths, epochs=epochs)
    run_study(asked, dataset, directory, device=device, workers=workers)
    click.echo(write_report(directory, source=source))


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
    from .report import write_report

    click.echo(write_report(directory, source=_source(data) if data else None))


@cli.group(invoke_without_command=True)
@click.pass_context
def data(context: click.Context) -> None:
    """Make data and say where it is.

    \b
    Example:
        mmalign data av-digits
    """
    _help_without_command(context)


@data.command("av-digits")
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to write, new or empty.  [default: the user's cache]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Other seeds, other data.")
def data_av_digits(directory: Path | None, seed: int) -> None:
    """Make 5,000 handwritten digits, each paired with its name spoken in noise.

    Written once, in the layout of AV-MNIST; prints the directory. Takes about half a minute.

    \b
    Example:
        mmalign data av-digits --directory digits
    """
    from .data.av_digits import build_av_digits

    click.echo(build_av_digits(directory, seed=seed, progress=True))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0, 2 for wrong input, 130 for Ctrl-C.

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
    click.echo(f"mmalign: {' '.join(sentence.split())}", err=True)
    return code


def _help_without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _source(data: Path | None) -> str:
    return "av-digits" if data is None else f"av-mnist:{data}"
