// Drawing: the ground, then the Gaussians from back to front.

const TEXELS = 7 + BONES / 2; // of a Gaussian, for what stays as it is

const SPLAT_VERTEX = `#version 300 es
precision highp float;
precision highp sampler2D;
const int SH = ${TEXELS - 3};
const float LOW_PASS = 0.1, NEAR = 0.1, MARGIN = 0.3;  // as in the program's own renderer
uniform sampler2D gaussians, rests, joints;
uniform vec3 light[8];
uniform vec4 view[3];
uniform vec2 size, middle;
uniform float focal;
out vec2 place;
out vec4 color;

vec4 value(int texel) {
  int i = gl_VertexID / 4;
  return texelFetch(gaussians, ivec2((i % ${PER_ROW}) * ${TEXELS} + texel, i / ${PER_ROW}), 0);
}

vec4 joint(int row) {
  return texelFetch(joints, ivec2(row, 0), 0);
}

vec4 product(vec4 a, vec4 b) {
  return vec4(a.w * b.xyz + b.w * a.xyz + cross(a.xyz, b.xyz), a.w * b.w - dot(a.xyz, b.xyz));
}

vec3 turned(vec4 q, vec3 v) {
  vec3 across = 2.0 * cross(q.xyz, v);
  return v + q.w * across + cross(q.xyz, across);
}

mat3 matrix(vec4 q) {
  return mat3(turned(q, vec3(1, 0, 0)), turned(q, vec3(0, 1, 0)), turned(q, vec3(0, 0, 1)));
}

// How much brighter a surface is that faces this way: spherical harmonics of the first and second degree.
vec3 shading(vec3 n) {
  vec3 first = n * sqrt(3.0);
  vec4 products = vec4(n.x * n.y, n.y * n.z, n.z * n.x, 0.5 * (n.x * n.x - n.y * n.y)) * sqrt(15.0);
  float last = 0.5 * sqrt(5.0) * (3.0 * n.z * n.z - 1.0);
  vec3 sum = first.x * light[0] + first.y * light[1] + first.z * light[2] + last * light[7];
  for (int i = 0; i < 4; i++) sum += products[i] * light[3 + i];
  return exp(sum);
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);  // off the picture, unless all goes well
  vec4 rest = texelFetch(rests, ivec2(gl_VertexID / 4 % ${PER_ROW}, gl_VertexID / 4 / ${PER_ROW}), 0);
  vec4 offset = value(0), normal = value(2), tint = value(3);
  vec3 point = vec3(0.0);
  float opacity = rest.w;
  rest.w = 1.0;
  vec4 turn = vec4(0.0), main = joint(int(value(4).x) * 4 + 3), bones, weights;
  for (int number = 0; number < ${BONES}; number++) {
    int k = number % 4;
    if (k == 0) {
      bones = value(4 + number / 4);
      weights = value(4 + number / 4 + ${BONES / 4});
    }
    int at = int(bones[k]) * 4;
    point += weights[k] * vec3(dot(joint(at), rest), dot(joint(at + 1), rest), dot(joint(at + 2), rest));
    // q and -q are one rotation: the side of the largest weight's counts
    vec4 quat = joint(at + 3);
    turn += weights[k] * quat * (dot(quat, main) < 0.0 ? -1.0 : 1.0);
  }
  turn = normalize(turn);
  point += turned(turn, offset.xyz);
  vec3 eye = vec3(dot(view[0], vec4(point, 1)), dot(view[1], vec4(point, 1)), dot(view[2], vec4(point, 1)));
  if (eye.z < NEAR) return;

  mat3 axes = matrix(product(turn, value(1)));
  axes = transpose(mat3(view[0].xyz, view[1].xyz, view[2].xyz)) * mat3(axes[0] * offset.w, axes[1] * normal.w, axes[2] * tint.w);
  vec2 edge = 0.5 * MARGIN * size / focal;
  vec2 ratio = clamp(eye.xy / eye.z, -middle / focal - edge, (size - middle) / focal + edge);
  mat3 slopes = mat3(focal / eye.z, 0, 0, 0, focal / eye.z, 0, -focal * ratio.x / eye.z, -focal * ratio.y / eye.z, 0);
  mat3 spread = slopes * axes;
  float xx = spread[0].x * spread[0].x + spread[1].x * spread[1].x + spread[2].x * spread[2].x + LOW_PASS;
  float yy = spread[0].y * spread[0].y + spread[1].y * spread[1].y + spread[2].y * spread[2].y + LOW_PASS;
  float xy = spread[0].x * spread[0].y + spread[1].x * spread[1].y + spread[2].x * spread[2].y;

  float mean = 0.5 * (xx + yy), apart = sqrt(max(0.25 * (xx - yy) * (xx - yy) + xy * xy, 0.0));
  float large = mean + apart, small = max(mean - apart, 1e-6);
  vec2 axis = apart < 1e-9 ? vec2(1, 0) : normalize(abs(xx - small) > abs(yy - small) ? vec2(xx - small, xy) : vec2(xy, yy - small));
  float reach = sqrt(max(2.0 * log(255.0 * opacity), 0.0));  // beyond it alpha is less than 1/255
  place = (vec2(gl_VertexID & 1, gl_VertexID >> 1 & 1) * 2.0 - 1.0) * reach;
  vec2 pixel = focal * eye.xy / eye.z + middle + place.x * sqrt(large) * axis + place.y * sqrt(small) * vec2(-axis.y, axis.x);
  gl_Position = vec4(pixel / size * vec2(2, -2) + vec2(-1, 1), 0, 1);
  // the direction that it is seen from, as it lies to the Gaussian
  vec3 sight = turned(vec4(-turn.xyz, turn.w), mat3(view[0].xyz, view[1].xyz, view[2].xyz) * normalize(eye));
  vec3 sheen = vec3(dot(value(SH).xyz, sight), dot(value(SH + 1).xyz, sight), dot(value(SH + 2).xyz, sight));
  color = vec4(tint.rgb * shading(turned(turn, normal.xyz)) + sheen, opacity);
}`;

const SPLAT_FRAGMENT = `#version 300 es
precision highp float;
in vec2 place;
in vec4 color;
out vec4 pixel;
void main() {
  float alpha = min(color.a * exp(-0.5 * dot(place, place)), 0.99);
  if (alpha < 1.0 / 255.0) discard;
  pixel = vec4(color.rgb * alpha, alpha);
}`;

const GROUND_VERTEX = `#version 300 es
precision highp float;
uniform vec4 view[3];
uniform vec3 centre;
uniform vec2 size, middle;
uniform float focal;
out vec2 at;
void main() {
  at = centre.xz + (vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0) * 6.0;
  vec4 point = vec4(at.x, 0, at.y, 1);
  vec3 eye = vec3(dot(view[0], point), dot(view[1], point), dot(view[2], point));
  vec2 shift = 2.0 * middle / size - 1.0;
  gl_Position = vec4((2.0 * focal / size.x * eye.x + shift.x * eye.z), -(2.0 * focal / size.y * eye.y + shift.y * eye.z),
                     eye.z - 0.2, eye.z);
}`;

const GROUND_FRAGMENT = `#version 300 es
precision highp float;
uniform vec3 centre, feet[SHADOWS];
in vec2 at;
out vec4 pixel;
void main() {
  float far = 1.0 - smoothstep(1.5, 5.0, distance(at, centre.xz));
  vec2 wide = fwidth(at), line = abs(fract(at - 0.5) - 0.5) / max(wide, 1e-6);  // a line each metre
  float grid = (1.0 - clamp(min(line.x, line.y), 0.0, 1.0)) * (1.0 - smoothstep(0.05, 0.3, max(wide.x, wide.y)));
  float light = 1.0;
  for (int i = 0; i < SHADOWS; i++) {
    float high = max(-feet[i].y, 0.0), wide = 0.09 + 0.12 * high;
    vec2 away = (at - feet[i].xz) / wide;
    light *= 1.0 - 0.4 * exp(-high / 0.5) * exp(-0.5 * dot(away, away));
  }
  float alpha = max(0.12 * grid * far, 1.0 - light);
  pixel = vec4(0, 0, 0, alpha);
}`;

// joints that cast shadows
const CASTING = [
  "pelvis", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot", "left_wrist", "right_wrist",
];

class Painter {
  constructor(canvas, figure, light) {
    const gl = canvas.getContext("webgl2", { premultipliedAlpha: true, antialias: false, preserveDrawingBuffer: false });
    if (!gl) throw new Error("This browser shows no WebGL 2, which the page needs.");
    this.gl = gl;
    this.figure = figure;
    this.light = light.flat();
    this.splats = this.program(SPLAT_VERTEX, SPLAT_FRAGMENT);
    this.ground = this.program(GROUND_VERTEX, GROUND_FRAGMENT.replaceAll("SHADOWS", CASTING.length));
    this.gaussians = this.texture(this.table(), PER_ROW * TEXELS, figure.rows);
    this.rests = this.texture(figure.rests, PER_ROW, figure.rows);
    this.joints = this.texture(figure.joints, figure.joints.length / 4, 1);
    this.casting = CASTING.map((name) => figure.names.indexOf(name));
    this.corners = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.corners);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, figure.corners.byteLength, gl.DYNAMIC_DRAW);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  program(vertex, fragment) {
    const gl = this.gl, program = gl.createProgram();
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader));
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(program));
    return program;
  }

  texture(data, width, height) {
    const gl = this.gl, texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, width, height, 0, gl.RGBA, gl.FLOAT, data);
    return texture;
  }

  table() {
    const { offsets, scales, quats, normals, colors, bones, weights, sh } = this.figure.arrays;
    const data = new Float32Array(this.figure.rows * PER_ROW * TEXELS * 4);
    for (let i = 0; i < this.figure.count; i++) {
      const three = (array, last) => [array[i * 3], array[i * 3 + 1], array[i * 3 + 2], last];
      const all = (array, size) => array.subarray(i * size, (i + 1) * size);
      // logarithms of the scales are what is kept
      const [x, y, z] = three(scales).slice(0, 3).map(Math.exp);
      data.set([...three(offsets, x), ...all(quats, 4), ...three(normals, y), ...three(colors, z)], i * TEXELS * 4);
      data.set(all(bones, BONES), (i * TEXELS + 4) * 4);
      data.set(all(weights, BONES), (i * TEXELS + 4) * 4 + BONES);
      for (let c = 0; c < 3; c++) data.set(sh.subarray(i * 9 + c * 3, i * 9 + c * 3 + 3), (i * TEXELS + 4 + c) * 4 + BONES * 2);
    }
    return data;
  }

  // camera: { size, view, focal, middle }, px of the canvas; centre: of the ground, or null for none
  draw(camera, centre) {
    const { gl, figure } = this;
    gl.viewport(0, 0, ...camera.size);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (centre) {
      this.use(this.ground, camera);
      gl.uniform3fv(gl.getUniformLocation(this.ground, "centre"), centre);
      gl.uniform3fv(gl.getUniformLocation(this.ground, "feet"), this.casting.flatMap((joint) => [...figure.places.subarray(joint * 3, joint * 3 + 3)]));
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    }
    this.use(this.splats, camera);
    gl.uniform3fv(gl.getUniformLocation(this.splats, "light"), this.light);
    ["gaussians", "joints", "rests"].forEach((name, unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, this[name]);
      gl.uniform1i(gl.getUniformLocation(this.splats, name), unit);
      if (name === "joints") gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, figure.joints.length / 4, 1, gl.RGBA, gl.FLOAT, figure.joints);
      if (name === "rests") gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, PER_ROW, figure.rows, gl.RGBA, gl.FLOAT, figure.rests);
    });
    gl.bufferSubData(gl.ELEMENT_ARRAY_BUFFER, 0, figure.sorted(camera.view));
    gl.drawElements(gl.TRIANGLES, figure.count * 6, gl.UNSIGNED_INT, 0);
  }

  use(program, camera) {
    const gl = this.gl, at = (name) => gl.getUniformLocation(program, name);
    gl.useProgram(program);
    gl.uniform4fv(at("view"), camera.view);
    gl.uniform2fv(at("size"), camera.size);
    gl.uniform2fv(at("middle"), camera.middle);
    gl.uniform1f(at("focal"), camera.focal);
  }
}
