"""Random files of SMPL format, made up for tests."""

import numpy as np

from bodies import PARENTS, REST_JOINTS, sausage_body


def smpl_arrays(num_betas: int = 10, seed: int = 0) -> dict[str, np.ndarray]:
    """SMPL's arrays on a made-up body, with random shapes and pose correctives."""
    random = np.random.default_rng(seed)
    body = sausage_body()
    count = len(body.v_template)
    tree = np.stack([np.array(PARENTS), np.arange(24)]).astype(np.int64)
    tree[0, 0] = 2**32 - 1
    return {
        "v_template": body.v_template.numpy().astype(np.float64),
        "shapedirs": random.normal(0, 0.01, (count, 3, num_betas)),
        "posedirs": random.normal(0, 0.005, (count, 3, 207)),
        "J_regressor": body.J_regressor.numpy().astype(np.float64),
        "weights": body.lbs_weights.numpy().astype(np.float64),
        "kintree_table": tree,
        "f": body.faces.astype(np.uint32),
        "J": REST_JOINTS.astype(np.float64),
    }
