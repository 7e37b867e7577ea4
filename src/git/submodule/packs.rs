//! A submodule's few packs, read without opening its object database.
//!
//! gix's database is made for long-running processes: it resolves alternates, sorts packs by age and size, watches for new
//! ones. A run reads only two commits and two trees of each submodule that moved, which is faster without these steps.
//! What is not found or cannot be read here is read through gix: only gix reports an object as missing or damaged.

use std::{
    cell::{OnceCell, RefCell},
    ffi::{CStr, CString, OsStr},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use gix::{
    hash::{Kind as Hash, oid},
    objs::Kind,
    zlib::Inflate,
};
use gix_pack::{
    FileData, cache,
    data::{self, decode::entry::ResolvedBase},
    index,
};
use rustix::{
    buffer::spare_capacity,
    fs::{CWD, Dir, Mode, OFlags, openat},
    io::read,
};

/// With more packs than these, looking into each is no longer cheaper than gix's ways.
const MOST: usize = 4;

/// Up to here, in bytes, a file is read whole: mapping it costs more, and threads wait for each other there.
const SMALL: usize = 32 << 10;

thread_local! {
    /// One for all objects that a thread reads: its tables are larger than most objects.
    static INFLATE: RefCell<Inflate> = RefCell::default();
}

/// The packs in one folder.
pub(super) struct Packs {
    folder: Folder,
    packs: Vec<Pack>,
}

struct Folder {
    path: PathBuf,
    open: Dir,
    hash: Hash,
    /// The largest object to read, in bytes.
    limit: Option<usize>,
}

struct Pack {
    index: Index,
    /// The name of the file with the objects.
    name: CString,
    /// Opened with the first object that the index knows; none when it cannot be.
    data: OnceCell<Option<Data>>,
}

impl Packs {
    /// Those in the folder at `path`; empty when there are many, or an index over several. None without such a folder.
    pub(super) fn open(path: PathBuf, hash: Hash, limit: Option<usize>) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, &path, flags, Mode::empty()).ok()?;
        let mut folder = Folder {
            path,
            open: Dir::new(folder).ok()?,
            hash,
            limit,
        };
        let names = folder.indices().unwrap_or_default();
        let packs = names.iter().filter_map(|name| Pack::open(&folder, name));
        Some(Self {
            packs: packs.collect(),
            folder,
        })
    }

    /// Reads an object into `buffer`; none when it has to be asked for elsewhere.
    pub(super) fn find(&self, id: &oid, buffer: &mut Vec<u8>) -> Option<Kind> {
        let mut packs = self.packs.iter();
        packs.find_map(|pack| pack.find(&self.folder, id, buffer))
    }
}

impl Folder {
    /// The names of the packs' indices, if they are few and all there is.
    fn indices(&mut self) -> Option<Vec<CString>> {
        let mut names = Vec::new();
        while let Some(entry) = self.open.read() {
            let entry = entry.ok()?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(b"multi-pack-index") || names.len() > MOST {
                return None;
            }
            if name.to_bytes().ends_with(b".idx") {
                names.push(name.to_owned());
            }
        }
        (names.len() <= MOST).then_some(names)
    }

    /// The whole file when it is small, else its path.
    fn file(&self, name: &CStr) -> Option<Result<Vec<u8>, PathBuf>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(self.open.fd().ok()?, name, flags, Mode::empty()).ok()?;
        let mut bytes = Vec::with_capacity(SMALL);
        // What one call leaves out by exception is missed when it is looked for, and then found by gix.
        let length = read(file, spare_capacity(&mut bytes)).ok()?;
        Some(if length < SMALL {
            Ok(bytes)
        } else {
            Err(self.path.join(OsStr::from_bytes(name.to_bytes())))
        })
    }
}

impl Pack {
    fn open(folder: &Folder, name: &CStr) -> Option<Self> {
        let index = match folder.file(name)? {
            Ok(bytes) => {
                Index::Read(index::File::from_data(bytes, PathBuf::new(), folder.hash).ok()?)
            }
            Err(path) => Index::Mapped(index::File::at(path, folder.hash).ok()?),
        };
        let stem = name.to_bytes().strip_suffix(b"idx")?;
        Some(Self {
            index,
            name: CString::new([stem, b"pack"].concat()).ok()?,
            data: OnceCell::new(),
        })
    }

    fn find(&self, folder: &Folder, id: &oid, buffer: &mut Vec<u8>) -> Option<Kind> {
        let offset = self.index.offset(id)?;
        let data = self.data.get_or_init(|| Data::open(folder, &self.name));
        match data.as_ref()? {
            Data::Read(file) => decode(file, &self.index, offset, buffer),
            Data::Mapped(file) => decode(file, &self.index, offset, buffer),
        }
    }
}

/// Which objects a pack has, and where.
enum Index {
    Read(index::File<Vec<u8>>),
    Mapped(index::File),
}

impl Index {
    fn offset(&self, id: &oid) -> Option<u64> {
        match self {
            Self::Read(file) => Some(file.pack_offset_at_index(file.lookup(id)?)),
            Self::Mapped(file) => Some(file.pack_offset_at_index(file.lookup(id)?)),
        }
    }
}

/// The objects.
enum Data {
    Read(data::File<Vec<u8>>),
    Mapped(data::File),
}

impl Data {
    fn open(folder: &Folder, name: &CStr) -> Option<Self> {
        Some(match folder.file(name)? {
            Ok(bytes) => {
                let file = data::File::from_data(bytes, PathBuf::new(), folder.hash).ok()?;
                Self::Read(file.with_alloc_limit_bytes(folder.limit))
            }
            Err(path) => {
                let file = data::File::at(path, folder.hash).ok()?;
                Self::Mapped(file.with_alloc_limit_bytes(folder.limit))
            }
        })
    }
}

/// Reads the object at `offset` into `buffer`, with what it is a delta of.
fn decode<T: FileData>(
    pack: &data::File<T>,
    index: &Index,
    offset: u64,
    buffer: &mut Vec<u8>,
) -> Option<Kind> {
    let base = |id: &oid, _: &mut Vec<u8>| {
        let offset = index.offset(id);
        offset
            .map(|offset| pack.entry(offset).map(ResolvedBase::InPack))
            .transpose()
    };
    let entry = pack.entry(offset).ok()?;
    let decoded = INFLATE.with_borrow_mut(|inflate| {
        pack.decode_entry(entry, buffer, inflate, &base, &mut cache::Never)
    });
    Some(decoded.ok()?.kind)
}
