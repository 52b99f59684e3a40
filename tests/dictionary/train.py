#!/usr/bin/env python3
"""Trains the dictionary that reports are packed with (wire/src/packing.rs).

    train.py SPOOL.db DICTIONARY

SPOOL.db is the spool of a real agent that could not push for a while: with a dozen probes, some
of them failing. Its reports are varied a thousandfold, in numbers, names and systems, so that the
dictionary learns the shape of reports and not one PC. Needs the zstd command. A shipped
dictionary never changes: give a new one a new id and file.
"""
import json
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import uuid

DICTIONARY_ID = 32769  # RFC 8878, section 5: the first id for private use
DICTIONARY_BYTES = 8192  # twice the size packed no better on reports held back
REPORTS = 1000
SYSTEMS = ["Debian GNU/Linux 12 (bookworm)", "Ubuntu 24.04.1 LTS", "Windows 10 Pro 22H2",
           "Windows 10 Enterprise LTSC 2021", "Windows 11 Pro 24H2"]
LABELS = {"/": ["/", "C:\\", "D:\\", "/home"], "eth0": ["eth0", "enp3s0", "wlan0", "Ethernet", "Wi-Fi"]}
PROBES = ["mcu", "gateway", "collector", "sip", "web", "names", "dns", "portal", "line"]
DEVICES = {"camera": ["Logitech C920", "HD Webcam"], "microphone": ["USB Audio Device", "Mic"],
           "speaker": ["Realtek Audio"], "display": ["SAMSUNG", "LG TV"]}
STATES = ["ok", "ok", "ok", "missing", "degraded", "blocked", "unknown"]


def number(value):
    """Another number of the same kind; 0 and 1 are what most gauges say and stay."""
    if value in (0, 1):
        return value
    if isinstance(value, int):
        return max(2, int(value * random.uniform(0.3, 3)))
    return round(value * random.uniform(0.2, 5), 6)


def histogram(value):
    buckets = [0] * len(value["buckets"])
    centre = random.randrange(1, len(buckets) - 2)
    for _ in range(random.randrange(1, 400)):
        place = min(len(buckets) - 1, max(0, int(random.gauss(centre, 1))))
        buckets[place] += random.randrange(1, 50)
    return {"buckets": buckets, "sum": round(random.uniform(0.01, 500), 6)}


def vary(report, boot, moment, uptime):
    report = json.loads(json.dumps(report))
    report.update(boot=boot, seq=random.randrange(1, 200_000), uptime_ms=uptime, taken_at=moment)
    report["agent"]["os"] = random.choice(SYSTEMS)
    for reading in report["readings"]:
        if reading["kind"] in ("tcp", "icmp", "http", "dns"):
            reading["probe"] = random.choice(PROBES)
        reading["duration_us"] = int(reading["duration_us"] * random.uniform(0.5, 40)) + 1
        reading["age_ms"] = random.randrange(0, 15_000)
        reading["every_ms"] = random.choice([15_000, 15_000, 15_000, 30_000, 60_000])
        for sample in reading["samples"]:
            if sample.get("label") in LABELS:
                sample["label"] = random.choice(LABELS[sample["label"]])
            value = sample["value"]
            if isinstance(value, dict):
                sample["value"] = histogram(value)
            elif not isinstance(value, str):
                sample["value"] = number(value)
    for kind, names in DEVICES.items():
        if random.random() < 0.35:
            report["readings"].insert(0, device(kind, names))
    return report


def device(kind, names):
    state = {"name": "bridge_device_state", "label": random.choice(names), "value": random.choice(STATES)}
    runs = {"name": "bridge_probe_runs_total", "value": random.randrange(2, 9000)}
    return {"probe": kind, "kind": kind, "capability": kind, "every_ms": 30_000,
            "age_ms": random.randrange(0, 15_000), "duration_us": random.randrange(500, 90_000),
            "samples": [state, runs]}


def batch(reports):
    boot = str(uuid.UUID(int=random.getrandbits(128), version=4))
    moment = random.randrange(1_795_000_000_000, 1_830_000_000_000)
    uptime = random.randrange(10**6, 10**9)
    report = vary(random.choice(reports), boot, moment - 3, uptime - 3)
    return {"version": 1, "sent_at": moment, "boot": boot, "uptime_ms": uptime, "reports": [report]}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    random.seed(316)
    rows = sqlite3.connect(sys.argv[1]).execute("SELECT json FROM report ORDER BY id")
    reports = [json.loads(row[0]) for row in rows]
    if not reports:
        sys.exit(f"{sys.argv[1]}: the spool is empty")
    with tempfile.TemporaryDirectory() as folder:
        for index in range(REPORTS):
            text = json.dumps(batch(reports), separators=(",", ":"), ensure_ascii=False)
            (pathlib.Path(folder) / str(index)).write_text(text)
        subprocess.run(["zstd", "--quiet", "--force", "--train", "-r", folder,
                        f"--maxdict={DICTIONARY_BYTES}", f"--dictID={DICTIONARY_ID}", "-o", sys.argv[2]],
                       check=True)


main()
