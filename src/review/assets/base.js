// @ts-check
// Where this page is, among the practices that one server has pages for.

/** What stands before every address of this practice; nothing where there is one practice alone. */
export const BASE = document.body.dataset.base ?? "";
