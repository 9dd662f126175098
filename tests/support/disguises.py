"""The same function by another network."""


def disguised(layers, rng):
    """Return the same function with units in another order, at another scale, and of another kind."""
    layers = [list(layer) for layer in layers]
    out = []
    for k, (kind, *data) in enumerate(layers):
        following = layers[k + 1 :]
        if kind == "affine" and following and following[0][0] == "scalar" and following[1:]:
            assert following[1][0] == "affine"
            units = following[0][1]
            order = rng.permutation(len(units)).tolist()
            scale = [
                2.0 ** int(rng.integers(-2, 3)) if u[0] in ([0], []) and not u[2] else 1.0 for u in units
            ]
            weight, bias = data
            out.append(
                (
                    "affine",
                    [[w * scale[i] for w in weight[i]] for i in order],
                    [bias[i] * scale[i] for i in order],
                )
            )
            layers[k + 1] = ["scalar", [units[i] for i in order]]
            after = following[1]
            layers[k + 2] = ["affine", [[row[i] / scale[i] for i in order] for row in after[1]], after[2]]
        elif kind == "scalar" and all(one_bend(u) for u in data[0]):
            n = len(data[0])
            rows = [
                [float(s) if i == j else 0.0 for j in range(n)] for i, u in enumerate(data[0]) for s in u[1]
            ]
            out += [("affine", rows, [0.0] * (2 * n)), ("max", [[2 * i + 1, 2 * i] for i in range(n)])]
        else:
            out.append((kind, *data))
    return out


def one_bend(unit):
    points, slopes, anchor = unit
    return list(points) == [0] and slopes[0] <= slopes[1] and not anchor
