//! A dictionary: its own words, and those of topics that have files of their own. A line without its Chinese half does not
//! compile.

macro_rules! dictionary {
    ($(@ $topic:ident: $module:ident;)* $($name:ident: $english:literal, $chinese:literal;)*) => {
        /// All words and sentences of one language. `{}` stands for a value: see [`super::fill`].
        #[derive(Debug)]
        #[allow(missing_docs)] // each says what it is by its English text
        pub struct Words {
            $(pub $topic: &'static $module::Words,)*
            $(pub $name: &'static str,)*
        }

        /// English.
        pub static ENGLISH: Words = Words { $($topic: &$module::ENGLISH,)* $($name: $english,)* };
        /// Simplified Chinese.
        pub static CHINESE: Words = Words { $($topic: &$module::CHINESE,)* $($name: $chinese,)* };

        impl Words {
            /// Every name with its text, in one fixed order.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                let own = [$((stringify!($name), self.$name)),*];
                own.into_iter()$(.chain(self.$topic.all()))*.collect()
            }
        }
    };
}
pub(super) use dictionary;
