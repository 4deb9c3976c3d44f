"""Prints the table of docs/benchmarks.md from the JSON lines of the benches and of pytorch.py.

    python benches/compare.py salient.jsonl pytorch.jsonl [more.jsonl ..]

Of several runs of a case under the same setting the last one counts. "Tuned" is the fastest setting by CPU time. Cases
of Burn's own modules, `group/stock_case/size`, stand in a column beside `group/case/size`. Other cases that only PyTorch
has, such as another way to write the same thing, follow in a table of their own.
"""

import argparse
import json
import sys

AS_INSTALLED = "as installed"


def read(paths, threads):
    """Records of ours by case, and of PyTorch's by case and setting."""
    ours, theirs = {}, {}
    for path in paths:
        with open(path) as lines:
            for record in map(json.loads, lines):
                if record["threads"] != threads:
                    continue
                if record["by"] == "salient":
                    ours[record["case"]] = record
                else:
                    theirs.setdefault(record["case"], {})[record["setting"]] = record
    return ours, theirs


def number(value, digits=3):
    """A few significant digits; whole numbers stay whole."""
    if value is None:
        return "–"
    text = f"{value:.{digits}g}"
    return f"{value:,.0f}" if "e" in text or value >= 100 else text


def ratio(one, other):
    return f"{one / other:.2f}" if one is not None and other else "–"


def fastest(settings):
    return min(settings.values(), key=lambda record: record["cpu_ms"], default=None)


def field(record, name):
    return record[name] if record else None


def row(name, record, stock, settings):
    tuned = fastest(settings)
    installed = settings.get(AS_INSTALLED)
    cpu = field(record, "cpu_ms")
    tuned_text = number(field(tuned, "cpu_ms"))
    if tuned:
        tuned_text += f" ({tuned['setting']})"
    spread = f"{number(record['cpu_p10_ms'])}–{number(record['cpu_p90_ms'])}"
    return [
        f"`{name}`",
        f"{number(cpu)} ({spread})",
        number(field(installed, "cpu_ms")),
        tuned_text,
        ratio(cpu, field(tuned, "cpu_ms")),
        number(field(stock, "cpu_ms")),
        ratio(field(stock, "cpu_ms"), cpu),
        number(record["peak_growth_mb"]),
        number(field(tuned, "peak_growth_mb")),
        number(field(stock, "peak_growth_mb")),
    ]


HEADINGS = [
    "case",
    "ours, CPU ms (p10–p90)",
    "PyTorch as installed",
    "PyTorch tuned",
    "ours / tuned",
    "stock Burn",
    "stock / ours",
    "growth MB, ours",
    "tuned",
    "stock",
]


def print_table(headings, rows):
    for cells in [headings, ["---"] * len(headings), *rows]:
        print("| " + " | ".join(cells) + " |")


def stock_name(name):
    group, rest = name.split("/", 1)
    return f"{group}/stock_{rest}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--threads", type=int, default=1, help="take runs on this many threads; default 1")
    flags = parser.parse_args()
    ours, theirs = read(flags.files, flags.threads)
    if not ours:
        sys.exit(f"no case of ours on {flags.threads} threads in {', '.join(flags.files)}")
    shown = [name for name in ours if "/stock_" not in name]
    print_table(HEADINGS, [row(name, ours[name], ours.get(stock_name(name)), theirs.get(name, {})) for name in shown])
    alone = [name for name in theirs if name not in ours]
    if alone:
        print("\nPyTorch only:\n")
        print_table(
            ["case", "as installed", "tuned", "growth MB, tuned"],
            [
                [
                    f"`{name}`",
                    number(field(theirs[name].get(AS_INSTALLED), "cpu_ms")),
                    f"{number(fastest(theirs[name])['cpu_ms'])} ({fastest(theirs[name])['setting']})",
                    number(fastest(theirs[name])["peak_growth_mb"]),
                ]
                for name in alone
            ],
        )


if __name__ == "__main__":
    main()
