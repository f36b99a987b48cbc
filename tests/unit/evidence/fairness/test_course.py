from __future__ import annotations

from itertools import pairwise

from sidecar.evidence.fairness.course import MEANINGS, Course, Moment, Point, What


def _course(predictions: int, limit: int) -> Course:
    course = Course(points_limit=limit)
    for number in range(1, predictions + 1):
        if course.is_due(number):
            course.add(Point(number, float(number), 1.0, None))
    return course


def test_a_short_course_has_every_point() -> None:
    assert [point.predictions for point in _course(7, 10).points] == [1, 2, 3, 4, 5, 6, 7]


def test_a_long_one_has_few_evenly_spread() -> None:
    course = _course(10_000, 100)
    numbers = [point.predictions for point in course.points]
    assert 50 <= len(numbers) <= 100
    assert {later - earlier for earlier, later in pairwise(numbers)} == {course.stride}
    assert numbers[0] == 1
    assert numbers[-1] > 10_000 - course.stride


def test_requests_of_many_instances_leave_points_where_they_end() -> None:
    course = Course(points_limit=6)
    for number in range(3, 22, 3):
        if course.is_due(number):
            course.add(Point(number, 0.0, None, None))
    assert [point.predictions for point in course.points] == [3, 9, 15, 21]


def test_moments_beyond_the_limit_are_counted() -> None:
    course = Course(moments_limit=2)
    for number in range(5):
        course.happened(What.WARNED, number, 0.5)
    assert course.moments == [Moment(What.WARNED, 0, 0.5), Moment(What.WARNED, 1, 0.5)]
    assert course.moments_total == 5


def test_each_moment_has_its_word() -> None:
    assert MEANINGS.keys() == set(What)
