//! What the console says of staff cards.

use super::dictionary::dictionary;

dictionary! {
    card: "Card", "员工卡";
    title: "Card for the terminals", "收银机员工卡";
    how: "With a card a person logs in at every terminal of the store by one scan, also without the network. A new card is shown once, to be printed; the one before counts no more. Is a card lost, remove it or make a new one. A card approves nothing: for that a PIN is needed.", "持卡者扫一次卡即可在本店任一收银机上登录，断网时也可以。新卡只显示一次，供打印；原卡随即失效。卡片遗失时，请取消或重新制卡。员工卡不能用于授权，授权须输入 PIN。";
    make: "Make a new card", "制作新卡";
    remove: "Remove the card", "取消员工卡";
    removed: "{} has no card any more. Terminals know it within seconds.", "已取消 {} 的员工卡，收银机几秒内生效。";
    shown_title: "New card for {}", "{} 的新员工卡";
    shown_how: "Print this page now and cut the card out: it is shown this once and kept nowhere. Take no photograph of it. Every card of this person from before counts no more.", "请立即打印本页并裁下卡片：此码仅显示一次，不会保存。请勿拍照。该员工以前的卡均已失效。";
    picture: "The card's QR code", "员工卡二维码";
    keep: "Whoever has this card can log in as {}. Lost it? Tell IT at once.", "持此卡者可以 {} 的身份登录。如有遗失，请立即告知 IT。";
    did_make: "Made a card for the tills", "制作收银机员工卡";
    did_remove: "Removed a card for the tills", "取消收银机员工卡";
}
