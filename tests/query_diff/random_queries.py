"""Random data and random queries over it, the same for the same seed."""

import random

import golden

HOSTS = ["a", "b", "c", "d e", ""]
REGIONS = ["eu", "us", ""]
FIELDS = ["f", "i", "s", "b", "g"]
NUMERIC = ["f", "i", "g"]
SELECTORS = ["min", "max", "first", "last"]
AGGREGATES = ["count", "sum", "mean", "spread", "stddev", "median"]


def make_points(rng):
    lines = {}
    for measurement in ("m", "n"):
        for _ in range(220):
            tags = []
            host, region = rng.choice(HOSTS), rng.choice(REGIONS)
            if host:
                tags.append("host=" + host.replace(" ", "\\ "))
            if region:
                tags.append("region=" + region)
            fields = []
            if rng.random() < 0.8:
                fields.append(f"f={rng.choice([0, 1, 2.5, -3.75, 100.125, rng.uniform(-50, 50)])!r}")
            if rng.random() < 0.6:
                fields.append(f"i={rng.randint(-20, 20)}i")
            if rng.random() < 0.4:
                fields.append('s="' + rng.choice(["ok", "bad", "w x", "q=1,2"]) + '"')
            if rng.random() < 0.4:
                fields.append("b=" + rng.choice(["true", "false"]))
            if measurement == "m" and rng.random() < 0.3:
                fields.append(f"g={rng.randint(0, 5)}")
            if fields:
                key = ",".join([measurement] + tags)
                time = rng.randint(-50, 400) * 1_000_000_000
                # The order of points of several series at one time is open: measurement m has none, and n is never cut by LIMIT.
                # Points at one time in one series would merge, which is another test's business.
                lines[(measurement if measurement == "m" else key, time)] = f"{key} {','.join(fields)} {time}"
    return "\n".join(lines.values())


def condition(rng, depth=0):
    if depth < 2 and rng.random() < 0.4:
        op = rng.choice(["AND", "OR"])
        return f"({condition(rng, depth + 1)} {op} {condition(rng, depth + 1)})"
    return rng.choice([
        lambda: f"host = '{rng.choice(HOSTS)}'",
        lambda: f"host != '{rng.choice(HOSTS)}'",
        lambda: f"region =~ /{rng.choice(['e', 'u', '^us$', '^$', '.'])}/",
        lambda: f"host !~ /{rng.choice(['a|b', 'c', '.', '^$'])}/",
        lambda: f"{rng.choice(NUMERIC)} {rng.choice(['=', '!=', '<', '<=', '>', '>='])} {rng.choice([0, 1, 2.5, -3, 10])}",
        lambda: f"s {rng.choice(['=', '!='])} '{rng.choice(['ok', 'bad', ''])}'",
        lambda: f"s {rng.choice(['=~', '!~'])} /{rng.choice(['o', 'b', ' '])}/",
        lambda: f"b = {rng.choice(['true', 'false'])}",
        lambda: f"f > i",
        lambda: f"f + 1 < g * 2",
    ])()


CHANGES = ["derivative", "non_negative_derivative", "difference", "non_negative_difference", "elapsed", "cumulative_sum"]
AVERAGES = ["moving_average", "exponential_moving_average", "double_exponential_moving_average", "triple_exponential_moving_average",
            "relative_strength_index", "chande_momentum_oscillator", "kaufmans_efficiency_ratio", "kaufmans_adaptive_moving_average"]


def transformed(rng, argument):
    """What comes of a field, or of an aggregate in windows, one value after another."""
    if rng.random() < 0.7:
        name = rng.choice(CHANGES)
        unit = f", {rng.choice(['1s', '10s', '2m'])}" if name in ("derivative", "non_negative_derivative", "elapsed") and rng.random() < 0.5 else ""
        return f"{name}({argument}{unit})"
    return f"{rng.choice(AVERAGES)}({argument}, {rng.randint(2, 5)})"


def function_query(rng):
    """Functions over points and windows of m, whose points all have times of their own. Not cut: InfluxDB cuts each column by itself."""
    where = f" AND {condition(rng)}" if rng.random() < 0.4 else ""
    grouped = rng.choice([[], [], ["host"], ["region"]])
    start, end = rng.randint(-60, 100), rng.randint(120, 420)
    descending = " ORDER BY time DESC" if rng.random() < 0.25 else ""
    kind = rng.random()
    fill = ""
    if kind < 0.35:
        columns_ = ", ".join(transformed(rng, rng.choice(NUMERIC)) for _ in range(rng.randint(1, 2)))
    elif kind < 0.65:
        # InfluxDB puts a number where a column has nothing, as the type it has at first.
        fill = rng.choice(["", " fill(none)", " fill(previous)", " fill(linear)", " fill(0)"])
        aggregates = [f"{rng.choice(['mean', 'max', 'first', 'count', 'sum'])}({rng.choice(NUMERIC)})" for _ in range(2)]
        columns_ = transformed(rng, aggregates[0]) + (f", {aggregates[1]}" if rng.random() < 0.4 else "")
        grouped = [rng.choice(["time(30s)", "time(1m)", "time(47s)"])] + grouped
    elif kind < 0.8:
        columns_ = f"{rng.choice(['top', 'bottom'])}({rng.choice(NUMERIC)}{rng.choice(['', '', ', host'])}, {rng.randint(1, 4)})"
        columns_ += rng.choice(["", ", s", ", region, f"])
        # Which of equal values goes first is open where the answer descends.
        descending = ""
        if rng.random() < 0.4:
            grouped = [rng.choice(["time(1m)", "time(100s)"])] + grouped
    elif kind < 0.9:
        # Of whole numbers it answers other areas than of the same numbers with a point, and it answers groups in any order.
        columns_ = f"integral({rng.choice(['f', 'g'])}{rng.choice(['', ', 1m'])})"
        grouped = [rng.choice(["time(30s)", "time(1m)", "time(47s)"])] if rng.random() < 0.5 else []
    else:
        columns_ = rng.choice(["abs(f), floor(f), ceil(g)", "round(f * 3)", "sqrt(abs(f))", "pow(g, 2) + 1", "ln(g + 1), log2(g + 1), log(g + 2, 3)", "sin(f), cos(f)", "atan2(f, g)", "exp(g)"])
    text = f"SELECT {columns_} FROM m WHERE time >= {start}s AND time < {end}s{where}"
    if grouped:
        text += " GROUP BY " + ", ".join(grouped)
    return text + fill + descending


def columns(rng):
    kind = rng.random()
    if kind < 0.3:
        names = rng.sample(FIELDS, rng.randint(1, 3)) + rng.sample(["host", "region"], rng.randint(0, 1))
        rng.shuffle(names)
        return ", ".join(names), False
    if kind < 0.35:
        return "*", False
    if kind < 0.4:
        return rng.choice(["f * 2, i", "f + i", "i / 2, f", "-f, i % 3", "f - g AS d"]), False
    if kind < 0.5:
        return f"{rng.choice(SELECTORS)}({rng.choice(NUMERIC)}), host, {rng.choice(FIELDS)}", True
    if kind < 0.6:
        return f"{rng.choice(SELECTORS + AGGREGATES)}({rng.choice(NUMERIC)})", True
    if kind < 0.65:
        return f"{rng.choice(['count', 'first', 'last'])}(*)", True
    if kind < 0.7:
        return f"distinct({rng.choice(FIELDS)})", True
    if kind < 0.75:
        # Percentiles stand alone: InfluxDB repeats windows of several columns in which there is none. Without windows the point
        # that is named, of several with the value, is open.
        return rng.choice([f"count(distinct({rng.choice(FIELDS)})), sum(f)", f"percentile({rng.choice(NUMERIC)}, {rng.choice([50, 90, 99.9])})"]), True
    calls = []
    for _ in range(rng.randint(1, 4)):
        name = rng.choice(SELECTORS + AGGREGATES)
        field = rng.choice(FIELDS if name in ("count", "first", "last") else NUMERIC)
        calls.append(f"{name}({field})")
    return ", ".join(calls), True


def query(rng):
    selected, aggregated = columns(rng)
    text = f"SELECT {selected} FROM {rng.choice(['m', 'm', 'n', 'm, n', '/m|n/'])}"
    conditions = []
    bounded = rng.random() < 0.7
    if bounded:
        conditions += [f"time >= {rng.randint(-60, 100)}s", f"time < {rng.randint(120, 420)}s"]
    elif rng.random() < 0.5:
        conditions.append(f"time > {rng.randint(-60, 300)}s")
    else:
        conditions.append(f"time <= {rng.randint(0, 420)}s")
    if rng.random() < 0.5:
        conditions.append(condition(rng))
    text += " WHERE " + " AND ".join(conditions)
    dimensions = rng.choice([[], [], ["host"], ["region"], ["host", "region"], ["*"], ["/reg/"]])
    windowed = aggregated and any(each.startswith("time <") for each in conditions) and rng.random() < 0.6
    if windowed:
        dimensions = dimensions + [rng.choice(["time(30s)", "time(1m)", "time(47s)"] + (["time(1m, 13s)", "time(100s, -7s)"] if bounded else []))]
    if not windowed:
        text = text.replace("percentile(", "count(").replace(", 50)", ")").replace(", 90)", ")").replace(", 99.9)", ")")
    if dimensions:
        text += " GROUP BY " + ", ".join(dimensions)
    if windowed:
        # What fills the columns beside a selector differs on purpose (tests/golden/query/influxql/windows.test).
        beside = "), " in text and "host," in text
        # It interpolates windows with an offset wrongly before 1970.
        text += rng.choice(["", " fill(none)", " fill(null)"] + ([] if ", 13s" in text or ", -7s" in text else [" fill(linear)"]) + ([] if beside else [" fill(previous)", " fill(0)", " fill(1.5)"]))
    # InfluxDB runs for ever where windows descend without an end, or have an offset and no beginning.
    if rng.random() < 0.3 and not (windowed and not bounded):
        text += " ORDER BY time DESC"
    # InfluxDB cuts each aggregate's windows before it puts them side by side, and its distinct() descends in an order of its own.
    cut_apart = aggregated and ("fill(none)" in text or not bounded) and ("), " in text or "*" in text) or "distinct" in text
    if rng.random() < 0.4 and " FROM m WHERE" in text and not cut_apart:
        text += f" LIMIT {rng.randint(1, 8)}"
        # Alone InfluxDB's OFFSET answers one row.
        if rng.random() < 0.4:
            text += f" OFFSET {rng.randint(1, 5)}"
    if rng.random() < 0.15:
        text += f" SLIMIT {rng.randint(1, 3)}"
    return text


def subquery(rng):
    """A query over the rows of another. Both are over m, whose points all have times of their own."""
    grouped = rng.choice([[], ["host"], ["region"], ["host", "region"]])
    where = f" WHERE {condition(rng)}" if rng.random() < 0.4 else ""
    kind = rng.random()
    if kind < 0.4:
        # Of several fields InfluxDB answers rows in which the one that is asked for is null.
        inner, field = rng.choice([("SELECT f AS x", "x"), ("SELECT i", "i"), ("SELECT f * 2 AS x", "x")])
        inner += f" FROM m{where}"
    else:
        inner, field = rng.choice([("mean(f) AS x", "x"), ("sum(i) AS x", "x"), ("max(g)", "max"), ("count(f)", "count"), ("max(f) - min(f) AS x", "x")]), None
        inner, field = f"SELECT {inner[0]} FROM m{where}", inner[1]
        if rng.random() < 0.7:
            grouped = [rng.choice(["time(30s)", "time(1m)", "time(47s)"])] + grouped
    if grouped:
        inner += " GROUP BY " + ", ".join(grouped)
    # Selectors' points of several series come in no order of time, and windows that begin before the range make InfluxDB answer nothing.
    selects = "max(g)" in inner and not any(each.startswith("time") for each in grouped)
    windowed = any(each.startswith("time") for each in grouped)
    outer = rng.choice([f"{rng.choice(SELECTORS + AGGREGATES)}({field})", f"mean({field}), max({field})"] + ([] if selects else [field, f"{field} * 2"]))
    aggregated = "(" in outer
    text = f"SELECT {outer} FROM ({inner}) WHERE time >= {0 if windowed else rng.randint(-60, 100)}s AND time < {rng.randint(120, 420)}s"
    tags = [each for each in grouped if not each.startswith("time")]
    dimensions = rng.choice([[], tags[:1], ["host"]])
    if aggregated and rng.random() < 0.5:
        dimensions = dimensions + [rng.choice(["time(1m)", "time(2m)"])]
    if dimensions:
        text += " GROUP BY " + ", ".join(dimensions)
    return text


def make(seed, count):
    rng = random.Random(seed)
    data = golden.Block("load", ["query_diff_random"], make_points(rng))
    return data, [rng.choices([subquery, function_query, query], [2, 3, 5])[0](rng) for _ in range(count)]
