"""Makes the dataset of `linprobe demo`: some 20,000 Debian packages, each with its one-line description.

    apt-cache dumpavail > dumpavail.txt
    python scripts/make_demo_dataset.py dumpavail.txt crates/cli/assets/debian-packages.csv.gz

The committed file is from Debian 12 (bookworm), main, amd64. Columns:

    id       the package's name
    text     its one-line description (synopsis)
    section  Debian's section: science, games, python, ...
    team     the packaging team, where a team of at least TEAM_MIN packages looks after it: astronomy, med, games, ...
             No person's name is kept.

One package stands for all that share a synopsis (libfoo1, libfoo-dev, libfoo-doc, ...), and what describes no software
of its own is left out: transitional and meta packages, tasks, documentation, debug symbols, translations, cross
compilers, data files. Library sections are then thinned, the largest first, to bring the rest to N_PACKAGES.
Needs Python's standard library only; the output is the same bytes for the same input.
"""

import argparse
import csv
import gzip
import hashlib
import io
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

N_PACKAGES = 20_000
TEAM_MIN = 20
SKIPPED_SECTIONS = {"debug", "doc", "introspection", "kernel", "localization", "metapackages", "oldlibs", "tasks"}
THINNED_SECTIONS = {
    "devel", "gnu-r", "golang", "haskell", "java", "javascript", "libdevel", "libs", "ocaml", "perl", "php", "python", "ruby", "rust"
}
SKIPPED_NAME = re.compile(
    r"-(dbg|dbgsym|doc|docs|data|common|l10n.*|i18n|locale.*|examples?|tests?|testsuite|prof|headers|source|all)$"
    r"|-(linux-gnu\w*|mingw-w64.*|arm-none-eabi)$|-dev-.*-cross$|-cross$|^task-|^librust-.*\+"
)
SKIPPED_SYNOPSIS = re.compile(
    r"transitional|dummy|meta-?package|debug(ging)? symbols|obsolete|cross-?compil|feature \"|and \d+ more", re.IGNORECASE
)
# What a synopsis says of the part of a software that a package holds.
PART = re.compile(
    r"\s*(\((?:[^()]|\([^()]*\))*\)|[-,;:]+ (shared |static |runtime |client |core )*"
    r"(library|libraries|development.*|documentation|headers?|bindings?|data|files|plugins?|source code|Python ?3?|runtime|"
    r"headers and static libraries|tools|utilities|profiling libraries|Rust source code|arch-indep.*))+\s*$",
    re.IGNORECASE,
)
TEAM_WORD = re.compile(r"\b(team|group|maintainers?|packag\w+|project|developers?|task force)\b", re.IGNORECASE)
TEAM_NOISE = re.compile(r"\b(debian|the|extras|packages|team|group|project|force|task)\b|maint\w+|packag\w+|developers?", re.IGNORECASE)
TEAM_ALIASES = {"astro": "astronomy", "ubuntu mate": "mate", "sway and related": "sway", "qa": ""}


@dataclass
class Package:
    """A row of the dataset."""

    name: str
    synopsis: str
    section: str
    team: str

    @property
    def subject(self) -> str:
        """The synopsis without its note on the part of the software: one package is kept for each."""
        return PART.sub("", self.synopsis).casefold()

    @property
    def rank(self) -> tuple:
        """The package that speaks for its subject comes first: a program, then a library."""
        library = self.section in THINNED_SECTIONS or self.name.startswith("lib")
        return ("-dev" in self.name, library, len(self.name), self.name)

    @property
    def lot(self) -> str:
        """A fixed, unbiased order for thinning."""
        return hashlib.sha256(self.name.encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description="make the dataset of the demo")
    parser.add_argument("dumpavail", type=Path, help="what apt-cache dumpavail printed")
    parser.add_argument("output", type=Path, help="where the .csv.gz goes")
    options = parser.parse_args()
    packages = thin(one_per_subject(filter(is_software, read(options.dumpavail))))
    forget_small_teams(packages)
    content = to_csv_gz(packages)
    options.output.write_bytes(content)
    print(f"{hashlib.sha256(content).hexdigest()}  {options.output}  {len(content)} bytes, {len(packages)} packages")
    for key in ("section", "team"):
        counts = Counter(getattr(package, key) for package in packages)
        print(f"{key}:", ", ".join(f"{name or '(none)'} {n}" for name, n in counts.most_common()))


def read(path: Path) -> list[Package]:
    paragraphs = path.read_text(encoding="utf-8").split("\n\n")
    return [to_package(dict(re.findall(r"^([\w-]+): (.*)$", p, re.MULTILINE))) for p in paragraphs if p.strip()]


def to_package(fields: dict[str, str]) -> Package:
    synopsis = " ".join(fields.get("Description", "").split())
    return Package(fields["Package"], synopsis, fields.get("Section", ""), team_of(fields.get("Maintainer", "")))


def team_of(maintainer: str) -> str:
    """The subject of a team, from "Debian Games Team <...>": `games`. Empty for a person."""
    name = maintainer.split("<")[0]
    if not TEAM_WORD.search(name):
        return ""
    subject = " ".join(re.sub(r"[^\w/-]+", " ", TEAM_NOISE.sub(" ", name)).split()).strip("- ").lower()
    return TEAM_ALIASES.get(subject, subject)


def is_software(package: Package) -> bool:
    """Leaves out what has no subject of its own, and what is not in main."""
    return not (
        package.section in SKIPPED_SECTIONS
        or "/" in package.section
        or SKIPPED_NAME.search(package.name)
        or SKIPPED_SYNOPSIS.search(package.synopsis)
        or len(package.synopsis) < 12
    )


def one_per_subject(packages) -> list[Package]:
    by_subject = defaultdict(list)
    for package in packages:
        by_subject[package.subject].append(package)
    return [min(group, key=lambda package: package.rank) for group in by_subject.values()]


def thin(packages: list[Package]) -> list[Package]:
    """Takes packages from whichever library section is the largest until N_PACKAGES are left."""
    by_section = defaultdict(list)
    for package in sorted(packages, key=lambda package: package.lot):
        by_section[package.section].append(package)
    for _ in range(len(packages) - N_PACKAGES):
        largest = max(THINNED_SECTIONS, key=lambda section: (len(by_section[section]), section))
        by_section[largest].pop()
    return sorted((p for group in by_section.values() for p in group), key=lambda package: package.name)


def forget_small_teams(packages: list[Package]) -> None:
    counts = Counter(package.team for package in packages)
    for package in packages:
        if counts[package.team] < TEAM_MIN:
            package.team = ""


def to_csv_gz(packages: list[Package]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "text", "section", "team"])
    writer.writerows([p.name, p.synopsis, p.section, p.team] for p in packages)
    return gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    main()
