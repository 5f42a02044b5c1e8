// The camera: goes round a point by mouse, touch and keys.

const FOCAL = 1.4; // over the longer side of the picture: little perspective
const FILLED = 0.78; // part of the picture that the standing person fills, so that raised arms are in it, too
const RADIANS = Math.PI / 180;

class Orbit {
  constructor(canvas, height, changed) {
    Object.assign(this, { canvas, height, reach: 1, changed, pointers: new Map() });
    this.reset();
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, shifts: event.button === 2 || event.shiftKey });
    });
    for (const name of ["pointerup", "pointercancel"])
      canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY * (event.deltaMode === 1 ? 0.03 : 0.001)));
    }, { passive: false });
  }

  reset() {
    Object.assign(this, { azimuth: 20, elevation: 8, nearness: 1, shift: [0, 0, 0] });
    this.changed();
  }

  turn(right, down) {
    this.azimuth = (this.azimuth + right) % 360;
    this.elevation = Math.min(85, Math.max(-10, this.elevation + down));
    this.changed();
  }

  zoom(factor) {
    this.nearness = Math.min(12, Math.max(0.2, this.nearness / factor));
    this.changed();
  }

  // Move what is looked at, in CSS px.
  pan(right, down) {
    const { view, focal, distance } = this.camera([0, 0, 0]);
    const metres = distance / focal * this.ratio();
    for (let axis = 0; axis < 3; axis++) this.shift[axis] -= metres * (right * view[axis] + down * view[4 + axis]);
    this.shift = this.shift.map((value) => Math.min(1.5, Math.max(-1.5, value)));
    this.changed();
  }

  moved(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY, shifts: last.shifts };
    const [right, down] = [now.x - last.x, now.y - last.y];
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size === 1) {
      if (now.shifts) this.pan(right, down);
      else this.turn(-right * 0.4, down * 0.4);
    } else if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, pointer]) => pointer);
      this.zoom(Math.hypot(last.x - other.x, last.y - other.y) / Math.max(Math.hypot(now.x - other.x, now.y - other.y), 1));
      this.pan(right / 2, down / 2);
    }
  }

  ratio() {
    return Math.min(window.devicePixelRatio || 1, 2);
  }

  // The camera that looks at a person who stands on this point, as Painter wants it.
  camera(person) {
    const size = [this.canvas.width, this.canvas.height], focal = FOCAL * Math.max(...size);
    const { reach, height } = this;
    const away = focal * Math.max(height / (FILLED * size[1]), (2 * reach) / (FILLED * size[0])) + reach;
    const distance = Math.max(away / this.nearness, 0.3);
    const target = [person[0] + this.shift[0], -height / 2 + this.shift[1], person[2] + this.shift[2]];
    const [a, e] = [this.azimuth * RADIANS, this.elevation * RADIANS];
    const eye = [Math.sin(a) * Math.cos(e), -Math.sin(e), -Math.cos(a) * Math.cos(e)].map((value, i) => target[i] + distance * value);
    return { size, focal, middle: [size[0] / 2, size[1] / 2], view: lookAt(eye, target), distance, eye };
  }
}
