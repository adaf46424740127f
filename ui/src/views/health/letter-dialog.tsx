export function LetterDialog(_: { readonly id: string; readonly onClose: () => void }) { return null; }
