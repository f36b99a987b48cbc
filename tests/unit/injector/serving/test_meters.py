from __future__ import annotations

from sidecar.injector.serving.meters import Meters, Result


def lines(meters: Meters) -> set[str]:
    page, media_type = meters.page("")
    assert media_type.startswith("text/plain")
    return {line for line in page.decode().splitlines() if not line.startswith("#")}


def test_the_page_has_what_was_counted_and_what_is_so_now() -> None:
    meters, problems, ends = Meters(), ["a", "b"], {"injector": 1.5e9}
    meters.watch(lambda: ends, lambda: problems)
    meters.reviews.labels("mutate", Result.PATCHED.value).inc()
    meters.seconds.labels("mutate").observe(0.002)
    assert lines(meters) >= {
        'sidecar_injector_reviews_total{result="patched",webhook="mutate"} 1.0',
        'sidecar_injector_review_seconds_bucket{le="0.0025",webhook="mutate"} 1.0',
        'sidecar_injector_certificate_end_timestamp_seconds{certificate="injector"} 1.5e+09',
        "sidecar_injector_problems 2.0",
    }
    problems.clear()
    ends["injector"] = 1.6e9
    assert lines(meters) >= {
        'sidecar_injector_certificate_end_timestamp_seconds{certificate="injector"} 1.6e+09',
        "sidecar_injector_problems 0.0",
    }
