import { consultSuite } from "./consult-suite.ts";

consultSuite("sqlite");
