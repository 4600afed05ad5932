import { classifySuite } from "./classify-suite.ts";

classifySuite("redis");
