//! A component taken apart without compiling it: its imports, exports and custom sections, and whether it stays within limits.
//!
//! Compiling hostile input is outside what wasmtime promises to be safe and quick at, so whatever makes compiling dear
//! (many or huge functions, deep nesting) is counted here first.

use std::collections::BTreeMap;
use std::ops::Range;

use wasmparser::{BinaryReaderError, ComponentExternalKind, ComponentTypeRef, FunctionBody, Operator, Parser, Payload};

use super::build::MANIFEST_SECTION;
use super::limits::PackageLimits;
use super::package::PackageError;

/// What a component says about itself.
#[derive(Default)]
pub(super) struct Scan<'a> {
    /// Instances that it imports, by name.
    pub(super) imports: Vec<&'a str>,
    /// Instances that it exports, by name.
    pub(super) exports: Vec<&'a str>,
    /// Custom sections of the outer component by name; of two with one name the last.
    pub(super) sections: BTreeMap<&'a str, &'a [u8]>,
    counts: Counts,
}

/// What has a limit over the whole file.
#[derive(Default)]
struct Counts {
    modules: u64,
    types: u64,
    functions: u64,
    tables: u64,
    imports: u64,
    exports: u64,
    custom_bytes: u64,
}

/// Reads `component` from its first byte to its last.
pub(super) fn scan<'a>(component: &'a [u8], limits: &PackageLimits) -> Result<Scan<'a>, PackageError> {
    let mut scan = Scan::default();
    // Headers met and not yet ended; the outer component is the first.
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => {
                depth += 1;
                within("levels of nesting", depth, limits.nesting)?;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => scan.read_imports(section, limits)?,
            Payload::ComponentExportSection(section) if depth == 1 => scan.read_exports(section, limits)?,
            Payload::CustomSection(section) if depth == 1 => {
                scan.read_custom(section.name(), section.data(), section.range(), limits)?;
            }
            other => scan.count(&other, limits)?,
        }
    }
    Ok(scan)
}

impl<'a> Scan<'a> {
    fn read_imports(
        &mut self,
        section: wasmparser::ComponentImportSectionReader<'a>,
        limits: &PackageLimits,
    ) -> Result<(), PackageError> {
        add("imports", &mut self.counts.imports, section.count(), limits.imports)?;
        for import in section {
            let import = import?;
            match import.ty {
                ComponentTypeRef::Instance(_) => self.imports.push(import.name.name),
                // A type is only a name for what an interface declared.
                ComponentTypeRef::Type(_) => {}
                _ => return Err(PackageError::BareImport(import.name.name.to_owned())),
            }
        }
        Ok(())
    }

    fn read_exports(
        &mut self,
        section: wasmparser::ComponentExportSectionReader<'a>,
        limits: &PackageLimits,
    ) -> Result<(), PackageError> {
        add("exports", &mut self.counts.exports, section.count(), limits.exports)?;
        for export in section {
            let export = export?;
            if export.kind == ComponentExternalKind::Instance {
                self.exports.push(export.name.name);
            }
        }
        Ok(())
    }

    fn read_custom(
        &mut self,
        name: &'a str,
        data: &'a [u8],
        range: Range<usize>,
        limits: &PackageLimits,
    ) -> Result<(), PackageError> {
        self.counts.custom_bytes += range.len() as u64;
        if self.counts.custom_bytes > limits.custom_bytes {
            let (count, limit) = (self.counts.custom_bytes, limits.custom_bytes);
            return Err(PackageError::TooMany { what: "bytes in custom sections", count, limit });
        }
        // Tools change what they know by adding it again. What a plugin asks for is nobody's to change.
        if self.sections.insert(name, data).is_some() && name == MANIFEST_SECTION {
            return Err(PackageError::BadManifest(format!("there are two `{MANIFEST_SECTION}` sections")));
        }
        Ok(())
    }

    fn count(&mut self, payload: &Payload<'_>, limits: &PackageLimits) -> Result<(), PackageError> {
        let counts = &mut self.counts;
        match payload {
            Payload::ModuleSection { .. } => add("core modules", &mut counts.modules, 1, limits.core_modules),
            Payload::TypeSection(section) => add("types", &mut counts.types, section.count(), limits.types),
            Payload::CoreTypeSection(section) => add("types", &mut counts.types, section.count(), limits.types),
            Payload::ComponentTypeSection(section) => add("types", &mut counts.types, section.count(), limits.types),
            Payload::FunctionSection(section) => {
                add("functions", &mut counts.functions, section.count(), limits.functions)
            }
            Payload::MemorySection(section) => within("memories in one module", section.count(), 1),
            Payload::TableSection(section) => {
                add("tables", &mut counts.tables, section.count(), limits.tables)?;
                section.clone().into_iter().try_for_each(|table| {
                    let elements = u32::try_from(table?.ty.initial).unwrap_or(u32::MAX);
                    within("elements in one table", elements, limits.table_elements)
                })
            }
            Payload::CodeSectionEntry(body) => check_body(body, limits),
            _ => Ok(()),
        }
    }
}

fn check_body(body: &FunctionBody<'_>, limits: &PackageLimits) -> Result<(), PackageError> {
    within("bytes in one function", u32::try_from(body.range().len()).unwrap_or(u32::MAX), limits.function_bytes)?;
    let mut locals = 0;
    for group in body.get_locals_reader()? {
        add("locals in one function", &mut locals, group?.0, limits.locals)?;
    }
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        if let Operator::BrTable { targets } = operators.read()? {
            within("targets of one br_table", targets.len(), limits.branch_targets)?;
        }
    }
    Ok(())
}

fn within(what: &'static str, count: u32, limit: u32) -> Result<(), PackageError> {
    if count > limit {
        return Err(PackageError::TooMany { what, count: count.into(), limit: limit.into() });
    }
    Ok(())
}

fn add(what: &'static str, sum: &mut u64, more: u32, limit: u32) -> Result<(), PackageError> {
    *sum += u64::from(more);
    if *sum > u64::from(limit) {
        return Err(PackageError::TooMany { what, count: *sum, limit: limit.into() });
    }
    Ok(())
}

impl From<BinaryReaderError> for PackageError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed(error.to_string())
    }
}
