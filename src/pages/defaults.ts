/** Documents per column of the search page. */
export const VIEW_TOP = 10
/** Documents of each search that are judged. */
export const LABEL_POOL = 10
export const QUERY_ORDERS = ['spread', 'disagreement', 'file'] as const
export type QueryOrder = (typeof QUERY_ORDERS)[number]
