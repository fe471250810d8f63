"""What the checker found in the two models, into docs/model.md, and the drawings of the first next to it."""

import json
import pathlib
import shutil
import sys

import page

target = pathlib.Path(sys.argv[1])
report = json.loads((target / "result.json").read_text())
drawings = pathlib.Path("docs/model")
second = report["connections"]
if not all(part[name] for part in (report, second) for name in ("design", "variants", "sampled")):
    sys.exit("result.json holds a part alone: run scripts/model --write without further arguments")


def bounds(row):
    lifetimes = "one lifetime passes" if row["lifetimes"] == 1 else f"{row['lifetimes']} lifetimes pass"
    return (
        f"{row['flows']} logins, {row['codes']} codes, {row['callbacks']} callbacks that pass the checks before the guard; {lifetimes}, and the key"
        " is revoked"
    )


def own_code(row):
    """What the crate's own code does with the attack."""
    told = []
    for replay in row["replays"]:
        if replay["differs_at"] is None:
            what = "lets it through"
        elif replay["outcome"] == "goes on":
            what = f"goes on at step {replay['differs_at']}, and the victim is signed in"
        else:
            what = f"refuses step {replay['differs_at']} ({replay['outcome'].removeprefix('refused: ')})"
        told.append(f"{replay['deployment']}, {what}")
    return "; ".join(told)


def table(rows):
    lines = ["| variant | what is different | states | unique | depth | seconds | promises broken |", "|---|---|---:|---:|---:|---:|---|"]
    for row in rows:
        others = [name for name in row["broken"] if name != row["breaks"]]
        broken = ", ".join([f"**{row['breaks']}**", *others])
        lines.append(
            f"| [{row['name']}](#{row['name']}) | {row['differs']} | {row['states']:,} | {row['unique_states']:,} | {row['depth']} |"
            f" {row['seconds']:.1f} | {broken} |"
        )
    return lines


def attack(row):
    count = row["attack_steps"]
    return [
        f"### {row['name']}",
        "",
        f"Here {row['differs']}. Breaks “{row['breaks']}” in {count} steps. The crate's own code, {own_code(row)}.",
        "",
        f"![{row['name']}: {'; '.join(row['sentences'])}](model/{row['name']}.svg)",
        "",
    ]


design, sampled = report["design"], report["sampled"]
# Pairs of states, each of which shares a fingerprint of 64 bits with a chance of 2^-64.
collision = design["unique_states"] ** 2 / 2**65
code = [row for row in report["variants"] if row["nature"] == "code"]
surroundings = [row for row in report["variants"] if row["nature"] == "surroundings"]
lines = ["## Promises", "", "| promise | in every state that can be reached |", "|---|---|"]
lines += [f"| {promise['name']} | {promise['says']} |" for promise in report["promises"]]
lines += [
    "",
    "## The design",
    "",
    ("All promises hold." if not design["broken"] else f"Broken: {', '.join(design['broken'])}.") + f" Every run with at most {bounds(design)}: {design['states']:,} states, {design['unique_states']:,} of them different, up to"
    f" {design['depth']} steps deep, in {design['seconds']:.0f} seconds on {design['threads']} threads. The checker identifies a state by 64 bits; the"
    f" probability that two states share them and one was skipped is {collision:.0e}.",
    "",
    f"In {sampled['walks']:,} random walks, {sampled['steps']:,} steps, the crate's own code answered each step as the model does, and the"
    f" victim finished {sampled['finished']:,} logins at their ends:",
    "",
    "| answer | times |",
    "|---|---:|",
]
lines += [f"| {outcome} | {count:,} |" for outcome, count in sampled["outcomes"]]
lines += [
    "",
    "## The variants",
    "",
    f"Each goes through every run with at most {bounds(code[0])}. The promise whose shortest attack is drawn below comes first.",
    "",
    "Faults in code, each prevented by one rule of the design:",
    "",
    *table(code),
    "",
    "Attacks from outside the crate, which it cannot prevent ([SECURITY.md](../SECURITY.md#limits)):",
    "",
    *table(surroundings),
    "",
    "## The attacks",
    "",
    "V1 is the victim's first login, A1 the attacker's; each names its state, its code_challenge and its code_verifier. Requests go to two servers",
    "in turn. Steps of the attacker are orange, the broken promise is red, and what the crate's own code did at that point is green.",
    "",
]
for row in [*code, *surroundings]:
    lines += attack(row)
shutil.rmtree(drawings, ignore_errors=True)
drawings.mkdir(parents=True)
for row in report["variants"]:
    shutil.copy(target / "drawings" / f"{row['name']}.svg", drawings)
page.write("docs/model.md", "\n".join(lines))


def second_bounds(row):
    count = lambda number, noun: f"{number} {noun}" if number == 1 else f"{number} {noun}s"
    return f"{count(row['logins'], 'login')}, {count(row['codes'], 'code')} of H's provider, {count(row['changes'], 'change')} of connections"


def second_attack(row):
    start, *steps = row["sentences"]
    told = "; ".join(
        f"{replay['deployment']}, "
        + ("lets it through" if replay["differs_at"] is None else f"refuses step {replay['differs_at']} (`{replay['outcome'].removeprefix('refused: ')}`)")
        for replay in row["replays"]
    )
    name = f"### {row['name']}"
    numbered = [f"{number}. {step[0].upper()}{step[1:]}." for number, step in enumerate(steps, 1)]
    tried = "" if row["attack_steps"] == len(steps) else f" Step {row['attack_steps']} is the attack; the rest is the victim's attempt to finish."
    count = "1 step" if row["attack_steps"] == 1 else f"{row['attack_steps']} steps"
    return [
        name,
        "",
        f"Here {row['differs']}. Breaks “{row['breaks']}” in {count}.{tried} The crate's own code, {told}. {start[0].upper()}{start[1:]}.",
        "",
        *numbered,
        "",
    ]


design, sampled = second["design"], second["sampled"]
code = [row for row in second["variants"] if row["nature"] == "code"]
surroundings = [row for row in second["variants"] if row["nature"] == "surroundings"]
lines = ["| promise | in every state that can be reached |", "|---|---|"]
lines += [f"| {promise['name']} | {promise['says']} |" for promise in second["promises"]]
lines += [
    "",
    ("Under these assumptions, all promises hold." if not design["broken"] else f"Broken: {', '.join(design['broken'])}.") + f" Every run with at most {second_bounds(design)}: {design['states']:,} states,"
    f" {design['unique_states']:,} of them different, up to {design['depth']} steps deep, in {design['seconds']:.0f} seconds on {design['threads']} threads.",
    "",
    f"In {sampled['walks']:,} random walks with {sampled['steps']:,} steps, the crate's own code answered each step as the model does:",
    "",
    "| answer | times |",
    "|---|---:|",
    *[f"| {outcome} | {count:,} |" for outcome, count in sampled["outcomes"]],
    "",
    f"Most variants go through every run with at most {second_bounds(code[0])}. Rules of the crate, each removed:",
    "",
    *table(code),
    "",
    "Rules that the crate leaves to the application or to H's provider, each removed:",
    "",
    *table(surroundings),
    "",
]
for row in [*code, *surroundings]:
    lines += second_attack(row)
page.write("docs/model.md", "\n".join(lines), "connections")
