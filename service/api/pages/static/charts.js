// Lines that grow while one looks: uPlot in the page's own colours, day and night.

/* global uPlot */

const dark = matchMedia("(prefers-color-scheme: dark)");
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** What was known last at a place where nothing new is. */
const latest = (values, place) => values.slice(0, (place ?? -1) + 1).findLast((value) => value !== null);

/** A chart in the element: `lines` are `{label, colour, marked}`, `digits` those of its values. */
export class Chart {
  #element;
  #lines;
  #height;
  #digits;
  #plot = null;
  #data;
  #due = false;

  constructor(element, lines, { height = 150, digits = 4 } = {}) {
    this.#element = element;
    this.#lines = lines;
    this.#height = height;
    this.#digits = digits;
    this.clear();
    dark.addEventListener("change", () => this.#make());
    new ResizeObserver(() => this.#resize()).observe(element);
  }

  clear() {
    this.#data = [[], ...this.#lines.map(() => [])];
    this.#make();
  }

  /** A point of some of the lines; what is undefined or null is not known there. */
  add(x, ...values) {
    const last = this.#data[0].length - 1;
    if (this.#data[0][last] === x) {
      values.forEach((value, line) => (this.#data[line + 1][last] = value ?? this.#data[line + 1][last]));
    } else {
      this.#data[0].push(x);
      values.forEach((value, line) => this.#data[line + 1].push(value ?? null));
    }
    if (!this.#due) requestAnimationFrame(() => this.#draw());
    this.#due = true;
  }

  #draw() {
    this.#due = false;
    this.#plot.setData(this.#data);
    if (this.#plot.cursor.idx == null) this.#plot.setLegend({ idx: this.#data[0].length - 1 });
  }

  #resize() {
    const width = this.#element.clientWidth;
    if (width && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#height });
  }

  #make() {
    this.#plot?.destroy();
    const width = this.#element.clientWidth || 300;
    const options = { width, height: this.#height, series: this.#series(), axes: this.#axes(), scales: { x: { time: false } } };
    this.#plot = new uPlot({ ...options, cursor: { drag: { x: false, y: false } } }, this.#data, this.#element);
  }

  #series() {
    const shown = (_, value, line, place) => (value ?? latest(this.#data[line], place))?.toPrecision(this.#digits) ?? "–";
    const lines = this.#lines.map(({ label, colour, marked }) => ({
      label, stroke: ink(colour), width: 1.75, spanGaps: true, value: shown,
      points: { show: Boolean(marked), size: 6, fill: ink(colour) },
    }));
    return [{ label: "characters", value: (_, value) => (value === null ? "–" : short.format(value)) }, ...lines];
  }

  #axes() {
    const common = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return [
      { ...common, grid: { show: false }, size: 28, values: (_, all) => all.map((each) => short.format(each)) },
      { ...common, size: 54, values: (_, all) => all.map((each) => (each === null ? "" : short.format(each))) },
    ];
  }
}
