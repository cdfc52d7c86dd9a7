/** pdf.js's worker with the library that brings older browsers up to what it uses. */
import "core-js/actual";
import "pdfjs-dist/legacy/build/pdf.worker.min.mjs";
