"""What the page on ResNet says of its long trainings, by their records."""

from statistics import mean, stdev

import pytest
from long_runs import Page

PAGE = Page("8.6", "8-6-resnet.ipynb")
# Blocks; how many convolutions; settings of the training.
SHORT = {"learning_rate": 0.1, "epochs": 15, "train": 3000}
NETWORKS = {
    "plain, 20": ("Plain(", 19, SHORT),
    "plain, 56": ("Plain(", 55, SHORT),
    "plain, 56, slow": ("Plain(", 55, SHORT | {"learning_rate": 0.03}),
    "residual, 20": (" Residual(", 21, SHORT),
    "residual, 56": (" Residual(", 57, SHORT),
    "Inception, thin": (" Inception(", 55, SHORT),
    "Inception, wide": (" Inception(", 91, SHORT),
    "bottleneck": (" Bottleneck(", 31, SHORT),
    "ResNeXt": (" ResNeXtBlock(", 31, SHORT),
}
END = (
    "\n    (4): BatchNorm2d(64"  # behind the last stage, before the average
)
ORDERS = {
    "old": (" Residual(", 0),
    "new": (" PreActResidual(", 1),
    "end": (" Residual(", 1),
}
RATES = (0.1, 0.2, 0.5)


def histories(block, convolutions, settings, **more):
    """Histories of a network, in the order of seeds."""
    found = PAGE.runs(
        block,
        images="fashion-mnist",
        counts={"Conv2d(": convolutions, **more},
        size=14,
        **settings,
    )
    return [record["history"] for record in found]


def losses(name):
    """Last training losses."""
    return [h["train_loss"][-1] for h in histories(*NETWORKS[name])]


def percent_right(name):
    """Last accuracies in percent."""
    return [
        100 * h["test_accuracy"][-1] for h in histories(*NETWORKS[name])
    ]


def order(name, rate):
    """Histories at 110 layers."""
    block, ends = ORDERS[name]
    settings = {"learning_rate": rate, "epochs": 4, "train": 1500}
    return histories(block, 111, settings, **{END: ends})


@pytest.mark.parametrize("name", NETWORKS)
def test_the_text_gives_losses(name):
    assert PAGE.said(mean(losses(name)), 2)


@pytest.mark.parametrize(
    "name", sorted(set(NETWORKS) - {n for n in NETWORKS if "plain" in n})
)
def test_the_text_gives_accuracies(name):
    found = percent_right(name)
    assert f"{mean(found):.1f} ± {stdev(found):.1f} %" in PAGE.text


def test_deeper_is_worse_on_the_training_images_without_shortcuts():
    assert min(losses("plain, 56")) > max(losses("plain, 20")) + 0.3
    assert min(losses("plain, 56, slow")) > max(losses("plain, 56")) + 0.2
    assert max(losses("residual, 56")) < min(losses("residual, 20"))
    assert mean(percent_right("residual, 56")) < mean(
        percent_right("residual, 20")
    )


def test_branches_keep_their_size():
    found = [
        h["branch sizes"] for h in histories(*NETWORKS["residual, 56"])
    ]
    every = [ratio for run in found for ratio in run]
    assert len(every) == 3 * 27
    assert PAGE.said(min(every), 2)
    assert PAGE.said(max(every), 2)
    assert PAGE.said(mean(every), 2)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ORDERS)
def test_the_text_gives_the_losses_of_both_orders(name, rate):
    found = [h["train_loss"][-1] for h in order(name, rate)]
    assert PAGE.said(mean(found), 2)


def test_differences_of_the_orders():
    def loss(name, rate):
        return mean(h["train_loss"][-1] for h in order(name, rate))

    ahead = [loss("old", rate) - loss("new", rate) for rate in RATES]
    assert [round(value, 2) for value in ahead] == [-0.54, 0.15, 0.59]
    assert round(loss("old", 0.5) - loss("end", 0.5), 2) == 0.47
    inside = [loss("end", rate) - loss("new", rate) for rate in RATES]
    assert [round(value, 2) for value in inside] == [-0.19, -0.08, 0.12]


def test_orders_at_their_best_rates():
    found, accuracy = {}, {}
    for name in ORDERS:
        means = {}
        for rate in RATES:
            runs = order(name, rate)
            means[rate] = mean(h["train_loss"][-1] for h in runs)
        best = min(means, key=means.get)
        found[name] = means[best]
        accuracy[name] = [
            100 * h["test_accuracy"][-1] for h in order(name, best)
        ]
    assert round(found["old"] - found["end"], 2) == 0.09
    assert round(found["end"] - found["new"], 2) == 0.12
    for values in accuracy.values():
        assert f"{mean(values):.1f} ± {stdev(values):.1f} %" in PAGE.text


def test_more_blocks_do_not_help_on_400_images():
    found = []
    for depth in (1, 2, 4, 8):
        settings = {"train": 400, "epochs": 40}
        runs = histories(" PreActResidual(", 6 * depth + 3, settings)
        assert max(h["fitted"] for h in runs) < 0.02
        assert PAGE.said(mean(h["fitted"] for h in runs), 3)
        found.append([100 * h["correct"] for h in runs])
        values = f"{mean(found[-1]):.1f} ± {stdev(found[-1]):.1f} %"
        assert values in PAGE.text
    for one, eight in zip(found[0], found[3], strict=True):
        assert eight < one


def test_resnet18_on_all_pictures():
    (record,) = PAGE.runs(
        images="fashion-mnist",
        train=60_000,
        seeds=1,
        size=96,
        epochs=8,
        augment=None,
    )
    history = record["history"]
    assert history["test_accuracy"][-1] >= 0.93
    assert PAGE.said(100 * history["test_accuracy"][-1], 2)
    assert PAGE.said(history["test_loss"][-1], 3)
    before, last = history["train_loss"][-2:]
    assert PAGE.said(before, 3)
    assert PAGE.said(last, 3)
    assert last < 0.6 * before
    before, last = history["test_loss"][-2:]
    assert abs(last - before) < 0.001


def test_resnet18_with_the_recipe():
    (record,) = PAGE.runs(
        images="fashion-mnist",
        train=60_000,
        seeds=1,
        size=96,
        epochs=16,
        optimizer="adamw",
        variant="shifts up to 6",
    )
    history = record["history"]
    assert history["mirrored accuracy"] >= 0.945
    assert PAGE.said(100 * history["mirrored accuracy"], 2)
    assert PAGE.said(100 * history["test_accuracy"][-1], 2)
    assert PAGE.said(100 * history["train_accuracy"][-1], 1)
    sizes = [round(size, 1) for size in history["branch sizes"]]
    assert "(0.8 to 1.2)" in PAGE.text
    assert 0.8 <= min(sizes) <= max(sizes) == 1.2
