"""`gated caption`: captions of drawn scenes or of the user's pictures, learned, shown, reported."""

from __future__ import annotations

from typing import Annotated

import typer

caption = typer.Typer(
    name="caption",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Captions of pictures: learn to write them, show one, make a page of many.",
)


@caption.command()
def train(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="Pictures of your own: a folder of pictures beside texts (dog.png, dog.txt), a captions_*.json of "
            "COCO, or the course's folder coco_captioning  [default: drawn scenes]"
        ),
    ] = None,
    lang: Annotated[
        str, typer.Option(help="Of the captions: en or zh; of a folder's texts any, such as zh_CN.")
    ] = "en",
    images: Annotated[str | None, typer.Option(help="The folder of COCO's images.")] = None,
    vision: Annotated[
        str | None, typer.Option(help="An ONNX model that sees the pictures of DATA  [default: a bank of filters]")
    ] = None,
    minimum_count: Annotated[
        int | None, typer.Option(help="How often a word has to stand in the captions of DATA  [default: 1]")
    ] = None,
    pictures: Annotated[int, typer.Option(help="Scenes to draw and learn from.")] = 24_000,
    captions: Annotated[int, typer.Option(help="Captions to write of each.")] = 7,
    cell: Annotated[str, typer.Option(help="A cell of the zoo (gated cells), or FILE.py:NAME.")] = "gru",
    hidden: Annotated[int, typer.Option(help="Units that write.")] = 256,
    layers: Annotated[int, typer.Option(help="Recurrent layers that write, on top of each other.")] = 1,
    embed: Annotated[int, typer.Option(help="Length of a word's vector.")] = 64,
    read: Annotated[
        int, typer.Option(help="Units that read the places of a picture, in each direction, if it has places.")
    ] = 128,
    show: Annotated[
        str, typer.Option(help="Where words get what is seen: state (at the beginning), steps (at each), both.")
    ] = "both",
    passes: Annotated[int | None, typer.Option(help="Over all captions  [default: 9; of DATA 20]")] = None,
    batch: Annotated[int, typer.Option(help="Captions of an update.")] = 32,
    optimizer: Annotated[str, typer.Option(help="adam, adamw, rmsprop or sgd.")] = "adam",
    lr: Annotated[
        float | None,
        typer.Option(
            help="Highest learning rate; it rises, then falls along a cosine  [default: 0.0015; of DATA 0.003]"
        ),
    ] = None,
    warmup: Annotated[int, typer.Option(help="Updates over which the rate rises.")] = 50,
    clip: Annotated[float, typer.Option(help="Bound on the gradient's norm; 0: none.")] = 5.0,
    dropout: Annotated[float, typer.Option(help="Probability of a zero between two layers.")] = 0.0,
    dtype: Annotated[str, typer.Option(help="float32 or float64.")] = "float32",
    seed: Annotated[int, typer.Option(help="Of all that is random.")] = 0,
    held_out: Annotated[
        int | None,
        typer.Option(
            help="Pictures to judge by in the end  [default: 2000 scenes of each of the two kinds; a tenth of DATA, at "
            "most 1000]"
        ),
    ] = None,
    judge: Annotated[int, typer.Option(help="Pictures to judge by on the way.")] = 1000,
    evaluate_every: Annotated[
        int | None, typer.Option(help="Updates between judgements  [default: 4000; of DATA a pass, at most 2500]")
    ] = None,
    log_every: Annotated[
        int | None, typer.Option(help="Updates between lines of metrics.jsonl  [default: 100; of DATA 20]")
    ] = None,
    patience: Annotated[int | None, typer.Option(help="End after so many judgements without a better one.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after this time at the latest.")] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of the run  [default: runs/caption-LANG, or runs/caption-DATA-LANG]")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in that folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remove the run in that folder first.")] = False,
    threads: Annotated[int | None, typer.Option(help="Of gated  [default: all processors]")] = None,
) -> None:
    """Draw scenes, write captions of them, learn to write such captions, and say how many come out right.

    Some pairs of colour and shape stand in no picture and no caption that is learned from: how many captions of
    pictures with them are right is told apart. Ctrl-C and SIGTERM leave a checkpoint (exit codes 130 and 143);
    --resume goes on exactly. In the end the folder has report.html.

    With DATA it learns from your own pictures, and scores what it writes of others, whose captions none of these has
    (the course's are split as the course has them), beside the caption of the nearest neighbour.

    \b
    gated caption train                          some minutes on two cores
    gated caption train --lang zh
    gated caption train --cell rnn --out runs/caption-rnn
    gated caption train --resume                 after Ctrl-C
    gated caption train stamps --lang zh_CN      a folder of pictures beside texts
    gated caption train captions_val2017.json --images val2017 --vision resnet.onnx
    """
    from gated.cli.caption_own import is_data_run, run_data_training
    from gated.cli.caption_train import run_caption_training
    from gated.cli.threads import limit_threads

    limit_threads(threads)
    values = dict(context.params)
    given = [name for name in values if context.get_parameter_source(name).name != "DEFAULT"]
    own = data is not None or (resume and out is not None and is_data_run(out))
    (run_data_training if own else run_caption_training)(values, given)


@caption.command()
def show(
    picture: Annotated[
        str | None, typer.Argument(help="A picture; without one, a scene is drawn (into a file, see --draw).")
    ] = None,
    run: Annotated[str, typer.Option(help="The folder of a run, or its model.safetensors.")] = "runs/caption-en",
    beams: Annotated[int, typer.Option(help="Beginnings of a caption that a search keeps; 1: the likeliest word.")] = 1,
    temperature: Annotated[float, typer.Option(help="Above 0: captions are drawn.")] = 0.0,
    count: Annotated[int, typer.Option(help="Captions, if they are drawn.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the scene and of the draws.")] = 0,
    draw: Annotated[str, typer.Option(help="Where the drawn scene goes.")] = "scene.png",
    gates: Annotated[bool, typer.Option("--gates", help="Show how far each gate moved at each word.")] = False,
    vision: Annotated[
        str | None, typer.Option(help="The ONNX model that it learned with, if that lies elsewhere now.")
    ] = None,
) -> None:
    """Say what is in a picture.

    \b
    gated caption show picture.png
    gated caption show --seed 7 --gates          a scene that is drawn for it
    gated caption show picture.png --run runs/caption-zh --beams 5
    """
    from gated.cli.caption_show import show_caption

    show_caption(picture, run, beams, temperature, count, seed, draw, gates, vision)


@caption.command()
def report(
    run: Annotated[str, typer.Option(help="The folder of a run.")] = "runs/caption-en",
    beside: Annotated[list[str] | None, typer.Option(help="Another run, for the table; may be repeated.")] = None,
    count: Annotated[int, typer.Option(help="Pictures of each kind.")] = 12,
    beams: Annotated[int, typer.Option(help="Beginnings of a caption that a search keeps.")] = 1,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The page  [default: report.html in the folder]")
    ] = None,
) -> None:
    """Make a page: pictures, true and written captions, which gates moved at each word, how many captions are right.

    \b
    gated caption report
    gated caption report --run runs/caption-en --beside runs/caption-rnn -o page.html
    """
    from gated.cli.caption_own import is_data_run, write_data_report
    from gated.cli.caption_show import write_report

    (write_data_report if is_data_run(run) else write_report)(run, beside or [], count, beams, output)
