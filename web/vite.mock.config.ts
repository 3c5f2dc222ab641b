import { mergeConfig } from "vite";
import base from "./vite.config.ts";
import { mock } from "./mock/plugin.ts";
const { server: _, ...rest } = base as any;
export default mergeConfig(rest, { plugins: [mock()] });
