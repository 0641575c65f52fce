"""Section 7.6: what its exercises ask for, and known wrong answers."""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor, nn

from helpers.practice.judging import Mistake, Task, random_numbers
from helpers.practice.networks import same_network

__all__ = ["TASKS"]

image = (1, 28, 28)


def max_pooled(num_classes: int) -> nn.Module:
    """LeNet with max-pooling, and nothing else changed."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2),
        nn.Sigmoid(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5),
        nn.Sigmoid(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.Sigmoid(),
        nn.Linear(84, num_classes),
    )


def modern(num_classes: int) -> nn.Module:
    """LeNet with max-pooling and ReLU."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Conv2d(6, 16, kernel_size=5),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, stride=2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, num_classes),
    )


Make = Callable[[], nn.Module]


def variant(
    activations: Sequence[Make], poolings: Sequence[Make], *end: nn.Module
) -> Callable[[int], nn.Module]:
    """A LeNet with other activations (four) and poolings (two)."""

    def build(num_classes: int) -> nn.Module:
        layers = list(max_pooled(num_classes))
        for place, make in zip((1, 4, 8, 10), activations, strict=True):
            layers[place] = make()
        for place, make in zip((2, 5), poolings, strict=True):
            layers[place] = make()
        return nn.Sequential(*layers, *end)

    return build


maximum = partial(nn.MaxPool2d, 2)
average = partial(nn.AvgPool2d, 2)


def windowed(window: int) -> nn.Module:
    """A modern LeNet whose convolutions keep height and width."""
    return nn.Sequential(
        nn.Conv2d(1, 6, window, padding=window // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, window, padding=window // 2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def padded_by(
    first: Callable[[int], int], second: Callable[[int], int]
) -> Callable[[int], nn.Module]:
    """The same with other paddings; the first dense layer adapts."""

    def build(window: int) -> nn.Module:
        layers = list(windowed(window))
        layers[0] = nn.Conv2d(1, 6, window, padding=first(window))
        layers[3] = nn.Conv2d(6, 16, window, padding=second(window))
        layers[7] = nn.LazyLinear(120)
        return nn.Sequential(*layers)

    return build


def parameters(c1: int, c2: int) -> int:
    """Parameters of LeNet with c1 and c2 channels."""
    convolutions = (25 + 1) * c1 + (25 * c1 + 1) * c2
    dense = (25 * c2 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10
    return convolutions + dense


def dense_part(hidden: Sequence[int]) -> nn.Module:
    """Dense layers from maps (n, 16, 5, 5) to ten scores."""
    layers = [nn.Flatten()]
    before = 16 * 5 * 5
    for after in hidden:
        layers += [nn.Linear(before, after), nn.ReLU()]
        before = after
    return nn.Sequential(*layers, nn.Linear(before, 10))


def without_relu(hidden: Sequence[int]) -> nn.Module:
    """The same as a linear map."""
    layers = [m for m in dense_part(hidden) if not isinstance(m, nn.ReLU)]
    return nn.Sequential(*layers)


def compared(
    first: Sequence[float], second: Sequence[float]
) -> tuple[float, float]:
    """Difference of two means, and its standard error."""
    squares = stdev(first) ** 2 / len(first)
    squares += stdev(second) ** 2 / len(second)
    return mean(first) - mean(second), squares**0.5


def accuracies() -> list[tuple[list[float], list[float]]]:
    """Accuracies in percent of two networks, equally many seeds each."""
    made_up = [
        ([91.0, 90.0], [88.0, 88.0]),
        ([90.0, 92.0, 91.0], [91.0, 87.0, 89.0]),
        ([88.0, 85.5, 86.25, 86.0], [90.0, 90.5, 89.0, 90.25]),
    ]
    return made_up


def reported(
    train: Sequence[Sequence[float]], test: Sequence[Sequence[float]]
) -> tuple[float, float]:
    """Mean and deviation over the seeds of the last epoch's accuracy."""
    last = [run[-1] for run in test]
    return mean(last), stdev(last)


def histories() -> list[tuple[list, list]]:
    """Accuracies in training and in the test, rows of epochs."""
    first = [[92.0, 94.0], [91.0, 95.5]], [[90.0, 89.0], [88.0, 92.0]]
    drawn = [
        (95 + 2 * random_numbers(seed, 2, 3, 4)).tolist() for seed in (0, 1)
    ]
    return [first, *map(tuple, drawn)]


def best_epoch(train: Any, test: Any) -> tuple[float, float]:
    """The epoch whose mean over the seeds is largest."""
    best = max(zip(*test, strict=True), key=mean)
    return mean(best), stdev(best)


def separation(a: Tensor, b: Tensor) -> Tensor:
    """Distance of two classes for each channel, in deviations."""
    a, b = a.mean((2, 3)), b.mean((2, 3))
    within = ((a.var(0) + b.var(0)) / 2).sqrt()
    return (b.mean(0) - a.mean(0)) / within.clamp(min=1e-9)


def by_pixels(a: Tensor, b: Tensor) -> Tensor:
    """In deviations of single places."""
    within = ((a.var((0, 2, 3)) + b.var((0, 2, 3))) / 2).sqrt()
    return (b - a.mean(0)).mean((0, 2, 3)) / within.clamp(min=1e-9)


def by_all(a: Tensor, b: Tensor) -> Tensor:
    """In deviations of both classes thrown together."""
    a, b = a.mean((2, 3)), b.mean((2, 3))
    within = torch.cat([a, b]).std(0)
    return (b.mean(0) - a.mean(0)) / within.clamp(min=1e-9)


def by_variance(a: Tensor, b: Tensor) -> Tensor:
    """Divided by the variance, without the root."""
    a, b = a.mean((2, 3)), b.mean((2, 3))
    within = (a.var(0) + b.var(0)) / 2
    return (b.mean(0) - a.mean(0)) / within.clamp(min=1e-9)


def maps() -> list[tuple[Tensor, Tensor]]:
    """Activations of two classes; in the last, one channel is off."""
    one = torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1)
    small = random_numbers(0, 2, 1, 3, 2), random_numbers(1, 3, 1, 3, 2)
    large = random_numbers(2, 7, 2, 3, 2), random_numbers(3, 4, 2, 3, 2)
    a, b = (random_numbers(seed, 5, 3, 4, 4).relu() for seed in (5, 6))
    a[:, 1] = b[:, 1] = 0
    return [(one, 2 * one), small, large, (a, b)]


def sure_and_wrong(scores: Tensor, labels: Tensor) -> float:
    """Share of images with a sure answer that is wrong."""
    chances = scores.softmax(1)
    sure = chances.amax(1) > 0.9
    wrong = chances.argmax(1) != labels
    return (sure & wrong).float().mean().item()


def share(
    scores: Tensor, labels: Tensor, chances: Callable[[Tensor], Tensor]
) -> float:
    """The same with other chances."""
    wrong = scores.argmax(1) != labels
    sure = chances(scores).amax(1) > 0.9
    return (sure & wrong).float().mean().item()


def believed(scores: Tensor, labels: Tensor) -> float:
    """What the probabilities themselves say."""
    best = scores.softmax(1).amax(1)
    return ((1 - best) * (best > 0.9)).mean().item()


def of_the_sure(scores: Tensor, labels: Tensor) -> float:
    """The wrong ones among the sure answers only."""
    sure = scores.softmax(1).amax(1) > 0.9
    wrong = scores.argmax(1) != labels
    return (sure & wrong).sum().item() / max(1, sure.sum().item())


def known_only(scores: Tensor, labels: Tensor) -> float:
    """Pictures of no class are left out."""
    sure = scores.softmax(1).amax(1) > 0.9
    wrong = (scores.argmax(1) != labels) & (labels >= 0)
    return (sure & wrong).float().mean().item()


def answers() -> list[tuple[Tensor, Tensor]]:
    """Scores and labels: one sure answer, then many, some of no class."""
    cases = [(torch.tensor([[9.0, 0.0]]), torch.tensor([1]))]
    for seed, (n, classes) in enumerate([(4, 2), (9, 3), (200, 10)]):
        scores = 4 * random_numbers(seed, n, classes)
        labels = (torch.arange(n) * 7) % (classes + 1) - 1
        cases.append((scores, labels))
    return cases


TASKS = {
    "7.6.1a": Task(
        stub='''\
def pooled_lenet(num_classes):
    """The section's LeNet as an nn.Module, with nothing changed but the
    pooling: from images (n, 1, 28, 28) to scores (n, num_classes)."""
''',
        right=max_pooled,
        cases=lambda: [(3,), (10,)],
        compare=partial(same_network, shape=image),
        mistakes=(
            Mistake(
                "this network still has average pooling",
                variant([nn.Sigmoid] * 4, [average] * 2),
            ),
            Mistake(
                "only one of the two poolings has been changed",
                variant([nn.Sigmoid] * 4, [maximum, average]),
            ),
            Mistake(
                "only one of the two poolings has been changed",
                variant([nn.Sigmoid] * 4, [average, maximum]),
            ),
            Mistake(
                "the activation has changed along with the pooling, so "
                "that nobody can say which of them helped; this is the "
                "answer to part b",
                modern,
                "change data, optimiser, pooling and activation at once, "
                "and thank the pooling",
            ),
        ),
    ),
    "7.6.1b": Task(
        stub='''\
def relu_lenet(num_classes):
    """The network of part a, with ReLU in the place of what part b is
    about: an nn.Module from images (n, 1, 28, 28) to scores
    (n, num_classes) for nn.CrossEntropyLoss."""
''',
        right=modern,
        cases=lambda: [(3,), (10,)],
        compare=partial(same_network, shape=image),
        mistakes=(
            Mistake(
                "the sigmoids are still there and a ReLU follows the "
                "scores; there is no softmax layer to exchange, the "
                "sigmoids are meant",
                variant([nn.Sigmoid] * 4, [maximum] * 2, nn.ReLU()),
                "the last layer of LeNet is a softmax, so exchange it for "
                "ReLU",
            ),
            Mistake(
                "a ReLU follows the scores, so that a negative score has "
                "no gradient",
                variant([nn.ReLU] * 4, [maximum] * 2, nn.ReLU()),
                "the last layer of LeNet is a softmax, so exchange it for "
                "ReLU",
            ),
            Mistake(
                "a softmax stands at the end, and cross-entropy applies it "
                "once more",
                variant([nn.ReLU] * 4, [maximum] * 2, nn.Softmax(1)),
                "a softmax belongs at the end of the network",
            ),
            Mistake(
                "a log-softmax stands at the end, which is a part of the "
                "loss and not of the network",
                variant([nn.ReLU] * 4, [maximum] * 2, nn.LogSoftmax(1)),
                "a softmax belongs at the end of the network",
            ),
            Mistake(
                "this is the network of part a, with sigmoids",
                max_pooled,
            ),
            Mistake(
                "the dense part still has sigmoids",
                variant([nn.ReLU] * 2 + [nn.Sigmoid] * 2, [maximum] * 2),
            ),
            Mistake(
                "the convolutions still have sigmoids",
                variant([nn.Sigmoid] * 2 + [nn.ReLU] * 2, [maximum] * 2),
            ),
            Mistake(
                "this network still has average pooling, which part a "
                "replaces",
                variant([nn.ReLU] * 4, [average] * 2),
            ),
        ),
    ),
    "7.6.2a": Task(
        stub='''\
def windowed_lenet(window):
    """LeNet with ReLU and max-pooling for images (n, 1, 28, 28) and ten
    classes. Both convolutions have window x window weights (an odd
    number) and keep height and width, whatever the window is."""
''',
        right=windowed,
        cases=lambda: [(1,), (3,), (5,), (7,)],
        compare=partial(same_network, shape=image),
        mistakes=(
            Mistake(
                "the padding of 2 fits a window of 5 only; with another "
                "one the maps, and so the dense layers, change too",
                padded_by(lambda window: 2, lambda window: 2),
            ),
            Mistake(
                "the second convolution is not padded, so the maps, and "
                "with them the dense layers, change with the window",
                padded_by(lambda window: window // 2, lambda window: 0),
            ),
            Mistake(
                "the paddings are those of the section, which fit a window "
                "of 5 only; the maps, and so the dense layers, change too",
                padded_by(lambda window: 2, lambda window: 0),
            ),
            Mistake(
                "the padding is one pixel short on each side",
                padded_by(*[lambda window: max(0, window // 2 - 1)] * 2),
            ),
        ),
    ),
    "7.6.2b": Task(
        stub='''\
def parameters(c1, c2):
    """How many parameters the section's LeNet (28 x 28 pixels, grey, ten
    classes) has with c1 and c2 channels in place of 6 and 16."""
''',
        right=parameters,
        cases=lambda: [(1, 1), (2, 1), (1, 2), (6, 16), (24, 64)],
        mistakes=(
            Mistake(
                "the first dense layer reads c2 maps and no longer 16",
                lambda c1, c2: (
                    parameters(c1, 16) + (c2 - 16) * (25 * c1 + 1)
                ),
            ),
            Mistake(
                "the biases are missing",
                lambda c1, c2: (
                    25 * c1 * (1 + c2) + 25 * c2 * 120 + 120 * 84 + 84 * 10
                ),
            ),
            Mistake(
                "in the second convolution each output channel reads all "
                "c1 channels and not one",
                lambda c1, c2: parameters(c1, c2) - 25 * (c1 - 1) * c2,
            ),
            Mistake(
                "the second convolution has no padding, so 5 x 5 places "
                "are left for the dense layers and not 7 x 7",
                lambda c1, c2: parameters(c1, c2) + (49 - 25) * c2 * 120,
            ),
            Mistake(
                "the pooled maps have 5 x 5 places, each of them a number "
                "that the first dense layer reads",
                lambda c1, c2: parameters(c1, c2) - 24 * c2 * 120,
            ),
        ),
    ),
    "7.6.2d": Task(
        stub='''\
def dense_part(hidden):
    """What follows the last pooling of a LeNet with ReLU: an nn.Module
    from maps (n, 16, 5, 5) to ten scores, with hidden dense layers of the
    sizes in the list hidden (it may be empty)."""
''',
        right=dense_part,
        cases=lambda: [([],), ([4],), ([120, 84],), ([9, 12, 8],)],
        compare=partial(same_network, shape=(16, 5, 5)),
        mistakes=(
            Mistake(
                "nothing stands between the dense layers, and a product of "
                "matrices is only one matrix",
                without_relu,
            ),
            Mistake(
                "a ReLU follows the scores too, so that a negative score "
                "has no gradient",
                lambda hidden: nn.Sequential(dense_part(hidden), nn.ReLU()),
                "the last layer of LeNet is a softmax, so exchange it for "
                "ReLU",
            ),
            Mistake(
                "a softmax stands at the end, and cross-entropy applies it "
                "once more",
                lambda hidden: nn.Sequential(
                    dense_part(hidden), nn.Softmax(1)
                ),
                "a softmax belongs at the end of the network",
            ),
        ),
    ),
    "7.6.2e": Task(
        stub='''\
def compare(first, second):
    """Which rate is better? first and second are lists of accuracies
    with two rates, equally many trainings, each with a seed of its own.
    Returns two numbers: how much better the first rate is, and the
    standard error of that (deviations divide by n - 1)."""
''',
        right=compared,
        cases=accuracies,
        mistakes=(
            Mistake(
                "this compares the best run of each",
                lambda first, second: (
                    max(first) - max(second),
                    compared(first, second)[1],
                ),
                "one training of each network is enough",
            ),
            Mistake(
                "this compares one run of each, and from one run nobody "
                "can tell a difference from chance",
                lambda first, second: (first[0] - second[0], 0.0),
                "one training of each network is enough",
            ),
            Mistake(
                "this is the deviation of single runs; a mean of n runs "
                "scatters less, by the root of n",
                lambda first, second: (
                    mean(first) - mean(second),
                    (stdev(first) ** 2 + stdev(second) ** 2) ** 0.5,
                ),
            ),
            Mistake(
                "the two errors are independent, so their squares add up "
                "and not they themselves",
                lambda first, second: (
                    mean(first) - mean(second),
                    (stdev(first) + stdev(second)) / len(first) ** 0.5,
                ),
            ),
            Mistake(
                "the variances are divided by the number of runs once too "
                "often: deviations divide by n - 1",
                lambda first, second: (
                    mean(first) - mean(second),
                    compared(first, second)[1]
                    * (1 - 1 / len(first)) ** 0.5,
                ),
            ),
            Mistake(
                "the difference has the other sign: first minus second",
                lambda first, second: (
                    mean(second) - mean(first),
                    compared(first, second)[1],
                ),
            ),
        ),
    ),
    "7.6.3": Task(
        stub='''\
def result(train, test):
    """What to report of several trainings of one network: mean and
    standard deviation (dividing by n - 1) over the seeds. train and test
    are lists of lists with accuracies, a row for each seed and in it an
    entry for each epoch, on the training images and on the test images.
    There were no other images to choose anything by."""
''',
        right=reported,
        cases=histories,
        mistakes=(
            Mistake(
                "this takes the best epoch of each run, chosen by the very "
                "images that it is measured on",
                lambda train, test: reported(
                    train, [[max(run)] for run in test]
                ),
                "the best epoch is the result",
            ),
            Mistake(
                "this takes the epoch whose mean is best, chosen by the "
                "very images that it is measured on",
                best_epoch,
                "the best epoch is the result",
            ),
            Mistake(
                "this is the accuracy in training, on images that the "
                "network has learned from",
                lambda train, test: reported(test, train),
                "the training ran, so the exercise is done",
            ),
            Mistake(
                "this takes the best accuracy in training",
                lambda train, test: reported(
                    test, [[max(run)] for run in train]
                ),
                "the training ran, so the exercise is done",
            ),
            Mistake(
                "the deviation divides by n, not by n - 1",
                lambda train, test: (
                    reported(train, test)[0],
                    reported(train, test)[1] * (1 - 1 / len(test)) ** 0.5,
                ),
            ),
            Mistake(
                "this mixes the epochs of a run; the network to report is "
                "the one at the end of the training",
                lambda train, test: reported(
                    train, [[mean(run)] for run in test]
                ),
            ),
        ),
    ),
    "7.6.4": Task(
        stub='''\
def separation(a, b):
    """How well each channel tells two classes apart. a (n, c, h, w) and
    b (m, c, h, w) are activations for images of the two classes. Average
    each channel over the image. Returns (c,): the mean over b minus the
    mean over a, divided by the root of the mean of the two classes'
    variances (with n - 1); 0 for a channel that is always off."""
''',
        right=separation,
        cases=maps,
        mistakes=(
            Mistake(
                "this divides by the deviation of single places; each "
                "image must be averaged first",
                by_pixels,
            ),
            Mistake(
                "this is the deviation of both classes together, which "
                "grows with their distance; the one within a class is "
                "meant",
                by_all,
            ),
            Mistake(
                "this divides by the variance; the root is missing",
                by_variance,
            ),
            Mistake(
                "this is the size of the distance; its sign is missing",
                lambda a, b: separation(a, b).abs(),
            ),
            Mistake(
                "the sign is the other one: b minus a",
                lambda a, b: separation(b, a),
            ),
            Mistake(
                "this is the difference of the means, in no unit yet",
                lambda a, b: (b - a.mean(0)).mean((0, 2, 3)),
            ),
        ),
    ),
    "7.6.5": Task(
        stub='''\
def sure_and_wrong(scores, labels):
    """How dangerous strange pictures are: the share (0 to 1) of all
    images for which the network gives its answer a probability above 0.9
    and is wrong. scores (n, classes) come without softmax; labels (n,)
    are whole numbers, -1 for a picture of none of the classes."""
''',
        right=sure_and_wrong,
        cases=answers,
        mistakes=(
            Mistake(
                "this believes the probabilities instead of counting the "
                "wrong answers",
                believed,
                "a probability of 0.99 means that one answer in a hundred "
                "is wrong",
            ),
            Mistake(
                "this is the share among the sure answers; the share of "
                "all images is asked for",
                of_the_sure,
            ),
            Mistake(
                "a picture of no class (label -1) is left out, though "
                "every answer to it is wrong",
                known_only,
            ),
            Mistake(
                "this compares scores with 0.9; only the softmax makes "
                "probabilities of them",
                partial(share, chances=lambda scores: scores),
            ),
            Mistake(
                "a sigmoid looks at each score by itself; the ten classes "
                "share one softmax",
                partial(share, chances=torch.sigmoid),
            ),
            Mistake(
                "the softmax runs over the images instead of the classes",
                partial(share, chances=lambda scores: scores.softmax(0)),
            ),
            Mistake(
                "all sure answers are counted, the right ones too",
                lambda scores, labels: share(
                    scores, labels - 99, lambda scores: scores.softmax(1)
                ),
            ),
        ),
    ),
}
