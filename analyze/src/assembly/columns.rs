//! Columns that rows are appended to, and their conversion to the Arrow arrays of a declared table.

use std::sync::Arc;

use faaslens_schemas::arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, DictionaryArray, Float64Builder, Int32Builder, Int64Builder, StringArray,
    StringBuilder, TimestampMicrosecondBuilder,
};
use faaslens_schemas::arrow::datatypes::Int32Type;

use crate::facts::{Name, NameTable};

/// A column under construction.
pub(super) trait Column: Default {
    fn finish(self, names: &NameTable) -> ArrayRef;
}

/// Plain texts: ids.
#[derive(Debug, Default)]
pub(super) struct Texts(StringBuilder);

impl Texts {
    pub(super) fn put(&mut self, text: Option<&str>) {
        self.0.append_option(text);
    }
}

impl Column for Texts {
    fn finish(mut self, _: &NameTable) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Interned texts, dictionary-encoded in the order of their first appearance in the column.
#[derive(Debug, Default)]
pub(super) struct Labels {
    keys: Int32Builder,
    values: Vec<Name>,
    codes: Vec<Option<i32>>,
}

impl Labels {
    pub(super) fn put(&mut self, name: Option<Name>) {
        let Some(name) = name else {
            self.keys.append_null();
            return;
        };
        if self.codes.len() <= name.index() {
            self.codes.resize(name.index() + 1, None);
        }
        let code = *self.codes[name.index()].get_or_insert_with(|| {
            self.values.push(name);
            i32::try_from(self.values.len() - 1).expect("a part has fewer than 2^31 distinct texts")
        });
        self.keys.append_value(code);
    }
}

impl Column for Labels {
    fn finish(mut self, names: &NameTable) -> ArrayRef {
        let values: StringArray = self.values.iter().map(|name| Some(names.text(*name))).collect();
        let keys = self.keys.finish();
        Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).expect("every key has a value"))
    }
}

/// Texts that repeat close to each other, dictionary-encoded without a search: whoever adds them knows when one is new.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    keys: Int32Builder,
    values: StringBuilder,
}

impl Repeats {
    /// A text that has not occurred before in the column; gives its code.
    pub(super) fn add(&mut self, text: &str) -> i32 {
        self.values.append_value(text);
        i32::try_from(self.values.len() - 1).expect("a part has fewer than 2^31 distinct texts")
    }

    pub(super) fn put(&mut self, code: Option<i32>) {
        self.keys.append_option(code);
    }
}

impl Column for Repeats {
    fn finish(mut self, _: &NameTable) -> ArrayRef {
        let (keys, values) = (self.keys.finish(), self.values.finish());
        Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).expect("every key has a value"))
    }
}

/// Milliseconds.
#[derive(Debug, Default)]
pub(super) struct Numbers(Float64Builder);

impl Numbers {
    pub(super) fn put(&mut self, value: Option<f64>) {
        self.0.append_option(value);
    }
}

impl Column for Numbers {
    fn finish(mut self, _: &NameTable) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Whole numbers.
#[derive(Debug, Default)]
pub(super) struct Counts(Int64Builder);

impl Counts {
    pub(super) fn put(&mut self, value: Option<u32>) {
        self.0.append_option(value.map(i64::from));
    }
}

impl Column for Counts {
    fn finish(mut self, _: &NameTable) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Yes, no or unknown.
#[derive(Debug, Default)]
pub(super) struct Flags(BooleanBuilder);

impl Flags {
    pub(super) fn put(&mut self, value: Option<bool>) {
        self.0.append_option(value);
    }
}

impl Column for Flags {
    fn finish(mut self, _: &NameTable) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// Wall-clock instants, microseconds since the Unix epoch.
#[derive(Debug, Default)]
pub(super) struct Times(TimestampMicrosecondBuilder);

impl Times {
    pub(super) fn put(&mut self, us: Option<i64>) {
        self.0.append_option(us);
    }
}

impl Column for Times {
    fn finish(mut self, _: &NameTable) -> ArrayRef {
        Arc::new(self.0.finish().with_timezone("UTC"))
    }
}

/// Declares the columns of a table in the order of its row type.
macro_rules! sheet {
    ($(#[doc = $doc:literal])* $name:ident = $row:ty { $($field:ident: $column:ty,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name { $(pub(super) $field: $column,)+ }

        impl $name {
            /// The rows appended so far as one batch of the table.
            pub(super) fn finish(
                self,
                names: &$crate::facts::NameTable,
            ) -> faaslens_schemas::Result<faaslens_schemas::arrow::array::RecordBatch> {
                use $crate::assembly::columns::Column;
                use faaslens_schemas::table::Row;
                let schema = <$row>::schema();
                debug_assert!(schema.fields().iter().map(|field| field.name().as_str()).eq([$(stringify!($field)),+]));
                let columns = vec![$(self.$field.finish(names)),+];
                faaslens_schemas::arrow::array::RecordBatch::try_new(schema, columns)
                    .map_err(|source| faaslens_schemas::Error::Arrow { table: <$row>::TABLE.name, source })
            }
        }
    };
}
pub(super) use sheet;
