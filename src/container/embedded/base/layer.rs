//! One layer of a base image: where it comes from, and its bytes before compression.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
};

use flate2::read::MultiGzDecoder;
use oci_spec::image::{Descriptor, Digest, MediaType};
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::{
    container::layout::incomplete,
    model::{error::Result, reference::Reference},
};

/// A layer, as its image's manifest and configuration name it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::container::embedded) struct BaseLayer {
    /// The repository that has it.
    pub image: Reference,
    /// Of its bytes as they are sent.
    pub digest: String,
    /// How many these are.
    pub size: u64,
    /// The digest of the archive before compression.
    pub diff_id: String,
    /// How it is compressed.
    pub compression: LayerCompression,
}

/// How a layer's archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::container::embedded) enum LayerCompression {
    /// Not at all.
    Stored,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl LayerCompression {
    /// What a layer's media type says, OCI's or Docker's. Nothing for the other kinds: those that are not to be distributed, those
    /// that are encrypted, and what is no file system.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "application/vnd.oci.image.layer.v1.tar"
            | "application/vnd.docker.image.rootfs.diff.tar" => Self::Stored,
            "application/vnd.oci.image.layer.v1.tar+gzip"
            | "application/vnd.docker.image.rootfs.diff.tar.gzip" => Self::Gzip,
            "application/vnd.oci.image.layer.v1.tar+zstd"
            | "application/vnd.docker.image.rootfs.diff.tar.zstd" => Self::Zstd,
            _ => return None,
        })
    }
}

impl BaseLayer {
    /// The layer as part of a new image, whose documents are OCI's.
    pub(in crate::container::embedded) fn descriptor(&self) -> Result<Descriptor> {
        let media_type = match self.compression {
            LayerCompression::Stored => MediaType::ImageLayer,
            LayerCompression::Gzip => MediaType::ImageLayerGzip,
            LayerCompression::Zstd => MediaType::ImageLayerZstd,
        };
        let digest: Digest = self.digest.parse().map_err(incomplete)?;
        Ok(Descriptor::new(media_type, self.size, digest))
    }

    /// The archive in `file`, which holds the layer's bytes.
    pub(super) fn unpacked(&self, file: File) -> Box<dyn Read> {
        let file = BufReader::with_capacity(128 << 10, file);
        match self.compression {
            LayerCompression::Stored => Box::new(file),
            LayerCompression::Gzip => Box::new(MultiGzDecoder::new(file)),
            LayerCompression::Zstd => Box::new(ZstdFrames {
                source: file,
                decoder: FrameDecoder::new(),
                is_in_frame: false,
            }),
        }
    }
}

/// All frames of a Zstandard stream one after the other, as RFC 8878 has them; those that are to be skipped are.
struct ZstdFrames<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            while self.is_in_frame {
                if self.decoder.can_collect() > 0 {
                    return self.decoder.read(buffer);
                }
                if self.decoder.is_finished() {
                    self.is_in_frame = false;
                    break;
                }
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
            if self.source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            self.begin_frame()?;
        }
    }
}

impl<R: BufRead> ZstdFrames<R> {
    fn begin_frame(&mut self) -> io::Result<()> {
        let header = match self.decoder.init(&mut self.source) {
            Ok(()) => {
                self.is_in_frame = true;
                return Ok(());
            }
            Err(FrameDecoderError::ReadFrameHeaderError(header)) => header,
            Err(cause) => return Err(io::Error::other(cause)),
        };
        let ReadFrameHeaderError::SkipFrame { length, .. } = header else {
            return Err(io::Error::other(header));
        };
        let skipped = io::copy(
            &mut self.source.by_ref().take(length.into()),
            &mut io::sink(),
        )?;
        match skipped == u64::from(length) {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
