"""Pictures and reports: numbers and arrays in, matplotlib figures and one self-contained HTML page out."""

from jaxcnn.files import write_atomically
from jaxcnn.visualization.bars import bars
from jaxcnn.visualization.confusion import confusion
from jaxcnn.visualization.curves import Curve, curves
from jaxcnn.visualization.images import images
from jaxcnn.visualization.png import encode_png, save
from jaxcnn.visualization.report import Link, Note, Picture, Section, report
from jaxcnn.visualization.scatter import Point, scatter
from jaxcnn.visualization.table import Table

__all__ = [
    "Curve",
    "Link",
    "Note",
    "Picture",
    "Point",
    "Section",
    "Table",
    "bars",
    "confusion",
    "curves",
    "encode_png",
    "images",
    "report",
    "save",
    "scatter",
    "write_atomically",
]
