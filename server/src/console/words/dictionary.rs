//! What makes a dictionary of a list of lines: a name, its English and its Chinese.

macro_rules! dictionary {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        /// All words and sentences of one language. `{}` stands for a value: see [`super::fill`].
        #[derive(Debug)]
        #[allow(missing_docs)] // each says what it is by its English text
        pub struct Words {
            $(pub $name: &'static str,)*
        }

        /// English.
        pub static ENGLISH: Words = Words { $($name: $english,)* };
        /// Simplified Chinese.
        pub static CHINESE: Words = Words { $($name: $chinese,)* };

        impl Words {
            /// Whether it is the Chinese one.
            #[must_use]
            pub fn is_chinese(&self) -> bool {
                std::ptr::eq(self, &CHINESE)
            }

            /// Every name with its text, in one fixed order.
            #[must_use]
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

pub(super) use dictionary;
