"""What the page on VGG says of its long trainings, by their records."""

from math import sqrt
from statistics import mean, stdev

import pytest
from long_runs import Page

PAGE = Page("8.2", "8-2-vgg.ipynb")
KINDS = ("Conv2d", "ReLU", "MaxPool2d", "AdaptiveAvgPool2d")
# Pixels, channels of the first layer, how many layers of each kind.
NETWORKS = {
    "224": (224, 16, 8, 10, 5, 0),
    "56, unchanged": (56, 16, 8, 10, 5, 0),
    "56": (56, 32, 8, 10, 3, 0),
    "84": (84, 32, 8, 10, 3, 0),
    "28": (28, 64, 8, 10, 2, 0),
    "3 convolutions": (56, 32, 3, 5, 3, 0),
    "fewer poolings": (56, 16, 8, 10, 3, 0),
    "one ReLU": (56, 32, 8, 5, 3, 0),
    "average": (56, 32, 8, 8, 3, 1),
}
DIFFERENCES = [
    ("56", "224"),
    ("fewer poolings", "224"),
    ("fewer poolings", "56, unchanged"),
    ("56", "fewer poolings"),
    ("56", "one ReLU"),
    ("56", "3 convolutions"),
    ("28", "56"),
    ("28", "224"),
    ("average", "56"),
]


def runs(size, first, *counts, seeds=3, epochs=5, variant=""):
    """Records of a network, in the order of seeds."""
    return PAGE.runs(
        f"Conv2d(1, {first}, ",
        images="fashion-mnist",
        train=5000,
        seeds=seeds,
        counts=dict(zip(KINDS, counts, strict=True)),
        size=size,
        epochs=epochs,
        variant=variant,
    )


def accuracies(name, **settings):
    """Percent of all test images that a network names rightly."""
    found = runs(*NETWORKS[name], **settings)
    return [100 * record["history"]["final_test"] for record in found]


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"84"}))
def test_the_text_gives_mean_and_deviation(name):
    found = accuracies(name)
    assert f"{mean(found):.2f} ± {stdev(found):.2f} %" in PAGE.text


def test_one_run_at_84_pixels():
    (found,) = accuracies("84", seeds=1)
    assert f"{found:.2f} %" in PAGE.text
    assert abs(found - mean(accuracies("56"))) < 1.5


@pytest.mark.parametrize(("first", "second"), DIFFERENCES)
def test_the_text_gives_differences_and_intervals(first, second):
    pair = accuracies(first), accuracies(second)
    points = mean(pair[0]) - mean(pair[1])
    half = 2.78 * sqrt(sum(stdev(x) ** 2 / 3 for x in pair))
    assert f"{abs(points):.2f} ± {half:.2f}" in PAGE.text


def test_twice_the_epochs_at_56_pixels():
    found = accuracies("56", epochs=10)
    assert f"{mean(found):.2f} ± {stdev(found):.2f} %" in PAGE.text


def test_overfitting_hidden_by_dropout():
    last = [record["history"] for record in runs(*NETWORKS["224"])]
    plotted = mean(h["train_loss"][-1] for h in last)
    fair = mean(h["final_train_loss"] for h in last)
    tested = mean(h["test_loss"][-1] for h in last)
    assert round(tested - plotted, 2) == 0.07
    assert round(tested - fair, 2) == 0.13
    assert all(0.69 <= h["test_accuracy"][0] <= 0.73 for h in last)


def test_nineteen_layers_need_the_weights_of_he():
    drawn = {
        name: [
            100 * record["history"]["final_test"]
            for record in runs(56, 16, 16, 18, 5, 0, epochs=3, variant=name)
        ]
        for name in ("Glorot", "He")
    }
    assert drawn["Glorot"][0] == 10
    for values in drawn.values():
        assert all(PAGE.said(value) for value in values)
    assert min(drawn["He"]) > max(drawn["Glorot"]) + 9


def test_two_poolings_make_the_largest_difference():
    found = {
        (first, second): mean(accuracies(first)) - mean(accuracies(second))
        for first, second in DIFFERENCES
        if first != "average"
    }
    assert max(found, key=found.get) == ("fewer poolings", "56, unchanged")
