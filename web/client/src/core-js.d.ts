/** core-js brings no types of its own: importing it changes what is there. */
declare module "core-js/actual";
