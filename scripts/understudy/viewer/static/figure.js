// The person: skinned Gaussians and motions, out of the page's data.

const BONES = 8; // joints of a Gaussian
const PER_ROW = 256; // Gaussians in a row of a texture
const TYPES = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, f4: Float32Array };

// Arrays by name. Each is kept in whole numbers; value = number * step + low, by column.
function unpack(packed) {
  const text = atob(packed.bytes);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const arrays = {};
  for (const { name, type, start, count, step, low } of packed.arrays) {
    const raw = new TYPES[type](bytes.buffer, start, count);
    if (step === null) {
      arrays[name] = raw;
      continue;
    }
    const values = new Float32Array(count);
    for (let i = 0, column = 0; i < count; i++, column = (column + 1) % step.length)
      values[i] = raw[i] * step[column] + low[column];
    arrays[name] = values;
  }
  return arrays;
}

class Figure {
  constructor(data) {
    this.parents = data.parents;
    this.names = data.names; // of the joints
    this.arrays = unpack(data.packed);
    this.count = this.arrays.opacities.length;
    this.rank = data.rank;
    this.clips = data.clips;
    // of each joint: three rows of the transform from rest to posed, and its rotation as a quaternion
    this.joints = new Float32Array(this.parents.length * 16);
    this.places = new Float32Array(this.parents.length * 3);
    this.corners = new Uint32Array(this.count * 6); // two triangles each
    this.depths = new Float32Array(this.count);
    // places in the rest pose with the pose's correctives, and opacities: rows of a texture
    this.rows = Math.ceil(this.count / PER_ROW);
    this.rests = new Float32Array(this.rows * PER_ROW * 4);
    this.arrays.opacities.forEach((value, i) => (this.rests[i * 4 + 3] = value));
    const { weights } = this.arrays;
    for (let i = 0; i < weights.length; i += BONES) {
      const sum = weights.subarray(i, i + BONES).reduce((a, b) => a + b);
      for (let k = i; k < i + BONES; k++) weights[k] /= sum;
    }
  }

  emptyPose() {
    return { quats: new Float32Array(this.parents.length * 4), transl: new Float32Array(3), bends: new Float32Array(this.rank) };
  }

  // The pose of a clip at a frame, which may lie between two.
  pose(clip, frame) {
    const first = Math.min(Math.floor(frame), clip.frames - 1);
    const second = Math.min(first + 1, clip.frames - 1);
    return this.blended(this.still(clip, first), this.still(clip, second), frame - first);
  }

  still(clip, frame) {
    const part = (name, size) => this.arrays[`${name} ${clip.name}`].subarray(frame * size, (frame + 1) * size);
    return { quats: part("quats", this.parents.length * 4), transl: part("transl", 3), bends: part("bends", this.rank) };
  }

  blended(a, b, share) {
    const pose = this.emptyPose();
    quatBetween(pose.quats, a.quats, b.quats, share);
    between(pose.transl, a.transl, b.transl, share);
    between(pose.bends, a.bends, b.bends, share);
    return pose;
  }

  pelvis(pose) {
    return pose.transl.map((value, axis) => value + this.arrays.joints[axis]);
  }

  // Forward kinematics: fills joints and places.
  take(pose) {
    const rest = this.arrays.joints, turns = new Float32Array(this.parents.length * 4), matrices = [];
    this.bends = pose.bends;
    for (let joint = 0; joint < this.parents.length; joint++) {
      const parent = this.parents[joint], at = joint * 16;
      if (parent < 0) {
        turns.set(pose.quats.subarray(0, 4));
        this.places.set(this.pelvis(pose));
      } else {
        quatProduct(turns, joint * 4, turns, parent * 4, pose.quats, joint * 4);
        const bone = [0, 1, 2].map((axis) => rest[joint * 3 + axis] - rest[parent * 3 + axis]);
        for (let row = 0; row < 3; row++)
          this.places[joint * 3 + row] = this.places[parent * 3 + row] + dot(matrices[parent].slice(row * 3, row * 3 + 3), bone);
      }
      matrices[joint] = quatMatrix(turns, joint * 4);
      for (let row = 0; row < 3; row++) {
        const turn = matrices[joint].slice(row * 3, row * 3 + 3);
        this.joints.set(turn, at + row * 4);
        this.joints[at + row * 4 + 3] = this.places[joint * 3 + row] - dot(turn, rest.subarray(joint * 3, joint * 3 + 3));
      }
      this.joints.set(turns.subarray(joint * 4, joint * 4 + 4), at + 12);
    }
    this.correct();
  }

  correct() {
    const { correctives, means } = this.arrays, { bends, rank, rests, count } = this;
    for (let i = 0, at = 0; i < count; i++)
      for (let axis = 0; axis < 3; axis++) {
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += correctives[at++] * bends[k];
        rests[i * 4 + axis] = means[i * 3 + axis] + sum / 127;
      }
  }

  // Corners of the Gaussians' squares from back to front, for a view of 12 numbers: sorted by counting.
  sorted(view) {
    const { depths, corners, rests, joints, count } = this, { bones, weights, offsets } = this.arrays;
    // depth along the view of each joint's transform
    const along = new Float32Array(this.parents.length * 4);
    for (let i = 0; i < along.length; i++) {
      const at = (i >> 2) * 16 + (i & 3);
      along[i] = view[8] * joints[at] + view[9] * joints[at + 4] + view[10] * joints[at + 8];
    }
    let near = Infinity, far = -Infinity;
    for (let i = 0; i < count; i++) {
      const x = rests[i * 4] + offsets[i * 3], y = rests[i * 4 + 1] + offsets[i * 3 + 1], z = rests[i * 4 + 2] + offsets[i * 3 + 2];
      let depth = 0;
      for (let k = i * BONES; k < (i + 1) * BONES && weights[k] > 0; k++) {
        const at = bones[k] * 4;
        depth += weights[k] * (along[at] * x + along[at + 1] * y + along[at + 2] * z + along[at + 3]);
      }
      depths[i] = depth;
      if (depth < near) near = depth;
      if (depth > far) far = depth;
    }
    const bins = 65536, starts = new Uint32Array(bins + 1), factor = (bins - 1) / Math.max(far - near, 1e-9);
    for (let i = 0; i < count; i++) starts[1 + (((far - depths[i]) * factor) | 0)]++;
    for (let bin = 0; bin < bins; bin++) starts[bin + 1] += starts[bin];
    for (let i = 0; i < count; i++) {
      const at = starts[((far - depths[i]) * factor) | 0]++ * 6, first = i * 4;
      corners[at] = first;
      corners[at + 1] = corners[at + 3] = first + 1;
      corners[at + 2] = corners[at + 5] = first + 2;
      corners[at + 4] = first + 3;
    }
    return corners;
  }
}
