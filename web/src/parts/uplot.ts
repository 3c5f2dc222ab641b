// uPlot and its style, in a file of their own that is loaded when needed.

import "uplot/dist/uPlot.min.css";

export { default } from "uplot";
