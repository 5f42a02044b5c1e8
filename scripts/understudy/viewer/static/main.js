// The page: what is played, and what the buttons do.

const FADE = 0.3; // s from one motion to the next, and from the end to the start again
const CALM = 0.4; // s in which the camera catches up with the person

class Page {
  constructor(data) {
    this.canvas = document.getElementById("stage");
    this.figure = new Figure(data);
    this.painter = new Painter(this.canvas, this.figure, data.light);
    this.clip = this.figure.clips[0];
    Object.assign(this, { frame: 0, playing: true, speed: 1, way: [0, 0, 0], left: null, fade: 1, last: null, waiting: false });
    this.orbit = new Orbit(this.canvas, data.height, () => this.wake());
    this.pose = this.figure.pose(this.clip, 0);
    this.looksAt = this.person();
    this.orbit.reach = this.clip.reach;
    this.controls();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    this.resize();
  }

  controls() {
    const at = (id) => document.getElementById(id);
    Object.assign(this, { chooser: at("clip"), slider: at("frame"), button: at("play"), label: at("time") });
    for (const clip of this.figure.clips) this.chooser.add(new Option(clip.label, clip.name));
    this.chooser.addEventListener("change", () => this.choose(this.chooser.value));
    this.button.addEventListener("click", () => this.play(!this.playing));
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    at("speed").addEventListener("change", (event) => (this.speed = Number(event.target.value)));
    at("reset").addEventListener("click", () => this.orbit.reset());
    document.addEventListener("keydown", (event) => this.pressed(event));
    this.play(true);
    this.choose(this.clip.name);
  }

  pressed(event) {
    const { orbit } = this;
    const keys = {
      " ": () => this.play(!this.playing),
      "+": () => orbit.zoom(1 / 1.1),
      "-": () => orbit.zoom(1.1),
      ArrowLeft: () => orbit.turn(-5, 0),
      ArrowRight: () => orbit.turn(5, 0),
      ArrowUp: () => orbit.turn(0, 5),
      ArrowDown: () => orbit.turn(0, -5),
    };
    // a control that has the focus has its own keys
    const taken = event.target.matches(event.key === " " ? "select, input, button" : "select, input");
    if (taken || !(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  }

  // Play another motion; the person goes on from where they are.
  choose(name) {
    this.left = this.pose;
    this.fade = this.playing ? 0 : 1;
    this.clip = this.figure.clips.find((clip) => clip.name === name);
    this.chooser.value = name;
    this.slider.max = this.clip.frames - 1;
    this.frame = 0;
    this.goOn();
    this.wake();
  }

  // Shift the clip so that its present frame is where the person is.
  goOn() {
    const was = this.person(this.left), is = this.figure.pelvis(this.figure.still(this.clip, 0));
    this.way = [was[0] - is[0], 0, was[2] - is[2]];
  }

  play(playing) {
    this.playing = playing;
    this.button.textContent = playing ? "❚❚" : "▶";
    this.button.setAttribute("aria-label", playing ? "pause" : "play");
    this.last = null;
    this.wake();
  }

  seek(frame) {
    this.frame = frame;
    this.fade = 1;
    this.play(false);
  }

  person(pose = this.pose) {
    const [x, , z] = this.figure.pelvis(pose);
    return [x, 0, z];
  }

  resize() {
    const ratio = this.orbit.ratio();
    this.canvas.width = Math.max(2, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(2, Math.round(this.canvas.clientHeight * ratio));
    this.wake();
  }

  wake() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame((now) => {
      this.waiting = false;
      this.step(now);
    });
  }

  step(now) {
    const passed = this.last === null ? 0 : Math.min((now - this.last) / 1000, 0.1);
    this.last = now;
    if (this.playing) this.advance(passed);
    this.compose();
    const share = this.playing ? 1 - Math.exp(-passed / CALM) : 1;
    between(this.looksAt, this.looksAt, this.person(), share);
    this.orbit.reach += share * (this.clip.reach - this.orbit.reach);
    this.paint(this.orbit.camera(this.looksAt));
    this.slider.value = Math.floor(this.frame);
    this.label.textContent = `${(this.frame / this.clip.fps).toFixed(1)} s`;
    if (this.playing) this.wake();
  }

  advance(passed) {
    this.frame += passed * this.speed * this.clip.fps;
    this.fade = Math.min(1, this.fade + passed / FADE);
    if (this.frame < this.clip.frames - 1) return;
    this.left = this.pose;
    this.frame = 0;
    this.fade = this.clip.frames > 1 ? 0 : 1;
    this.goOn();
  }

  compose() {
    const pose = this.figure.pose(this.clip, this.frame);
    for (const axis of [0, 2]) pose.transl[axis] += this.way[axis];
    const eased = this.fade * this.fade * (3 - 2 * this.fade);
    this.pose = this.fade < 1 ? this.figure.blended(this.left, pose, eased) : pose;
    this.figure.take(this.pose);
  }

  paint(camera, ground = camera.eye[1] < 0) {
    this.painter.draw(camera, ground ? this.looksAt : null);
    this.camera = camera;
    this.painted = (this.painted || 0) + 1;
  }

  // A still: one frame of a motion where the motion has it, without the ground, as a PNG. For checks and pictures.
  still(name, frame) {
    this.clip = this.figure.clips.find((clip) => clip.name === name);
    Object.assign(this, { frame, fade: 1, way: [0, 0, 0] });
    this.play(false);
    this.compose();
    this.looksAt = this.person();
    this.orbit.reach = this.clip.reach;
    const camera = this.orbit.camera(this.looksAt);
    this.paint(camera, false);
    return { ...camera, picture: this.canvas.toDataURL() };
  }
}

try {
  window.page = new Page(AVATAR);
  page.canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  page.canvas.addEventListener("webglcontextrestored", () => location.reload());
} catch (error) {
  document.getElementById("message").textContent = error.message;
  throw error;
}
