// Quaternions are [x, y, z, w]; matrices are arrays by rows.

function quatProduct(out, o, a, i, b, j) {
  const ax = a[i], ay = a[i + 1], az = a[i + 2], aw = a[i + 3];
  const bx = b[j], by = b[j + 1], bz = b[j + 2], bw = b[j + 3];
  out[o] = aw * bx + ax * bw + ay * bz - az * by;
  out[o + 1] = aw * by - ax * bz + ay * bw + az * bx;
  out[o + 2] = aw * bz + ax * by - ay * bx + az * bw;
  out[o + 3] = aw * bw - ax * bx - ay * by - az * bz;
}

// The 3x3 matrix of the unit quaternion at q[i].
function quatMatrix(q, i) {
  const x = q[i], y = q[i + 1], z = q[i + 2], w = q[i + 3];
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
  ];
}

// From a to b along the shorter way, normalised: between neighbouring frames as good as going at even speed.
function quatBetween(out, a, b, share) {
  for (let i = 0; i < out.length; i += 4) {
    const near = a[i] * b[i] + a[i + 1] * b[i + 1] + a[i + 2] * b[i + 2] + a[i + 3] * b[i + 3] < 0 ? -share : share;
    let length = 0;
    for (let k = i; k < i + 4; k++) {
      out[k] = a[k] * (1 - share) + b[k] * near;
      length += out[k] * out[k];
    }
    length = Math.sqrt(length);
    for (let k = i; k < i + 4; k++) out[k] /= length;
  }
}

function between(out, a, b, share) {
  for (let i = 0; i < out.length; i++) out[i] = a[i] * (1 - share) + b[i] * share;
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const scaled = (a, factor) => a.map((value) => value * factor);
const unit = (a) => scaled(a, 1 / Math.hypot(...a));

// World to camera, 12 numbers: x right, y down, z forward; the world's y points down, too.
function lookAt(eye, target) {
  const forward = unit(target.map((value, i) => value - eye[i]));
  const right = unit(cross(forward, [0, -1, 0]));
  const down = cross(forward, right);
  return [right, down, forward].flatMap((axis) => [...axis, -dot(axis, eye)]);
}
