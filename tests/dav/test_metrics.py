"""What was counted, as Prometheus reads it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from prometheus_client.parser import text_string_to_metric_families

from sumu_dav.dav.metrics import SYNC_SECONDS, Metrics


def samples(metrics: Metrics) -> dict[tuple[str, str], float]:
    """Every sample by its name and the values of its labels, those of `le` before those of `of`."""
    families = text_string_to_metric_families(metrics.page().decode())
    return {(each.name, "|".join(each.labels.values())): each.value for family in families for each in family.samples}


def test_a_duration_counts_in_its_bucket_and_in_all_above() -> None:
    metrics = Metrics()
    note = metrics.syncs("tree")
    for seconds in (0.0001, SYNC_SECONDS[1], 0.002, 99.0):
        note(seconds)
    told = samples(metrics)
    buckets = [told["sumu_fsync_seconds_bucket", f"{limit}|tree"] for limit in SYNC_SECONDS]
    assert buckets[:3] == [1, 2, 3]  # a limit belongs to the bucket that it ends
    assert set(buckets[3:]) == {3}
    assert told["sumu_fsync_seconds_bucket", "+Inf|tree"] == told["sumu_fsync_seconds_count", "tree"] == 4
    assert told["sumu_fsync_seconds_sum", "tree"] == sum((0.0001, SYNC_SECONDS[1], 0.002, 99.0))


def test_requests_of_several_threads_are_all_counted() -> None:
    metrics = Metrics()

    def work(status: int) -> None:
        for _ in range(500):
            metrics.request("PUT", status, 0.01, 3, 2)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, (201, 204, 507, 0) * 2))
    told = samples(metrics)
    assert told["sumu_requests_total", "PUT|201"] == told["sumu_requests_total", "PUT|0"] == 1_000
    assert told["sumu_uploads_total", "stored"] == 2_000
    assert told["sumu_uploads_total", "full"] == told["sumu_uploads_total", "broken"] == 1_000
    assert told["sumu_request_seconds_count", "PUT"] == 4_000
    assert (told["sumu_received_bytes_total", ""], told["sumu_sent_bytes_total", ""]) == (12_000, 8_000)


def test_invented_methods_share_one_series() -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.request(f"INVENTED{number}", 405, 0.001, 0, 0)
    told = samples(metrics)
    assert told["sumu_requests_total", "other|405"] == 50
    assert len([name for name, _ in told if name == "sumu_requests_total"]) == 1
